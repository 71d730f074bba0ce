"""What a surge of load leaves behind it, under each admission policy of the server.

phases, course, sentences and records are pure; measuring runs in a process of its own, which
gevent serves; run follows it from the terminal.
"""
