// The address of a request, and the same request as a curl command.

/** The address of a cell with these values, which are text, as in the fields. */
export function address(workload, model, values) {
  const pairs = Object.entries(values).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  // An apostrophe is not encoded, but it would end the quotes of a shell.
  const query = pairs.length ? `?${pairs.join("&").replaceAll("'", "%27")}` : "";
  return new URL(`${workload}/${model}${query}`, document.baseURI).href;
}

export const curl = (url) => `curl '${url}'`;

/** The same `times` at once: curl repeats for a pattern in the fragment, but does not send it. */
export const storm = (url, times) => `curl -Z --parallel-immediate '${url}#[1-${times}]'`;

/** The default values of a workload. */
export function defaults(parameters) {
  return Object.fromEntries(Object.entries(parameters).map(([name, parameter]) => [name, String(parameter.default)]));
}
