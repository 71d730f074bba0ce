// What is asked for: the address of a request, and the same as a line for curl.

/** The address of a cell with these values, which are as the fields have them: text. */
export function address(workload, model, values) {
  const pairs = Object.entries(values).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  // Encoding spares the apostrophe, at which a shell would end its quotes.
  const query = pairs.length ? `?${pairs.join("&").replaceAll("'", "%27")}` : "";
  return new URL(`${workload}/${model}${query}`, document.baseURI).href;
}

export const curl = (url) => `curl '${url}'`;

/** The same `times` at once: curl repeats a pattern in the fragment, which it does not send. */
export const storm = (url, times) => `curl -Z --parallel-immediate '${url}#[1-${times}]'`;

/** The values that a workload has when nobody gives any. */
export function defaults(parameters) {
  return Object.fromEntries(Object.entries(parameters).map(([name, one]) => [name, String(one.default)]));
}
