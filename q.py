from biodata.store.lake import Lake
from biodata.store.query.filters import Compare
with Lake.open("/tmp/run/p/d") as l:
    w=Compare("datasetKey","=","nam-ha-2")
    print(l.read("occurrences",columns=["occurrenceID","scientificName","species","individualCount","decimalLatitude","decimalLongitude","quality_flags","repairs","dataset_part"],where=w).to_dicts())
    print(l.read("verbatim",columns=["v_scientificName","v_individualCount","v_decimalLatitude","v_decimalLongitude","other"],where=w).to_dicts())
