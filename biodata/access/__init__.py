"""Who may see and do what: accounts and roles, grants of exact records, consent, citations, withdrawal, and their audit.

The three to begin with: `roles.may` (whether somebody may do something to a thing), `requests.decide` (a country's node
grants or refuses exact records), `withdrawal.withdraw` (what is taken back is gone from everything that is kept).

It never decides how a record is published, which `biodata.sharing` does, and never tells an exact place but through the
process of `exact_process`, to whom a country's node granted it.
"""
