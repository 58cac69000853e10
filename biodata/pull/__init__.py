"""Records, areas and lists out of services on the internet, into the lake: counted first, politely, and resumable.

Each source has `estimate`, which counts and orders nothing, and `pull`. Nothing of a service's answer is believed unseen: what
cannot be used is an error of one line that changes nothing. A file that somebody already has is taken in by `biodata ingest`.
"""
