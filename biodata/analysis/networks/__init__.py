"""Connectivity of networks: Conefor's indices, importances of nodes and links, ProtConn.

`network.analyse` is the whole, `connectivity.overall` the indices, `protconn.protconn` the share of a region that is
protected and connected. Corridors themselves are found elsewhere (`biodata.analysis.corridors`).
"""
