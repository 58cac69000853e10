"""Records, areas, lists and ground out of services on the internet, into the lake: counted first, politely, and resumable.

Each source has `estimate`, which counts and orders nothing, and `pull`; `service.Source` is what they share, and a source is its address,
its terms and how its rows read. Nothing of a service's answer is believed unseen: what cannot be used is an error of one line that changes
nothing. No source was tried live: each is tested against a stub of what its documentation says. A file that somebody already has is
taken in by `biodata ingest`.
"""
