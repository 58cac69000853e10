"""The HTTP service and its map: one application over releases and the registry.

The three to begin with: `app.create_app` (every route put together), `parameters.read` (a request's parameters as
filters of the store), `dependencies.Service.open` (one release for a whole request).

It never opens the lake, and never answers with what no release publishes, but for what somebody was granted.
"""
