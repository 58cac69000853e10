"""Records of which some are sensitive, for the exact store: inside, elsewhere, at a border, and an open one."""

ELEPHANT = {"datasetKey": "rangers", "scientificName": "Elephas maximus", "acceptedScientificName": "Elephas maximus",
            "species": "Elephas maximus", "genus": "Elephas", "kingdom": "Animalia", "event_start": None,
            "event_end": None, "year": 2019, "geodeticDatum": "WGS84", "coordinateUncertaintyInMeters": 30.0,
            "quality_flags": [], "repairs": []}  # fmt: skip
LAOS = {"countryCode": "LA", "located_country_code": "LA", "country_codes": ["LA"]}
ROWS = [
    {**ELEPHANT, **LAOS, "source_record_id": "inside", "decimalLatitude": 20.51234, "decimalLongitude": 102.31234},
    {**ELEPHANT, **LAOS, "source_record_id": "elsewhere", "decimalLatitude": 15.11234, "decimalLongitude": 106.21234},
    {**ELEPHANT, **LAOS, "source_record_id": "border", "decimalLatitude": 19.53234, "decimalLongitude": 104.03234,
     "country_codes": ["LA", "VN"], "ambiguous": True},
    {**ELEPHANT, **LAOS, "source_record_id": "open", "decimalLatitude": 20.31234, "decimalLongitude": 102.11234,
     "scientificName": "Pycnonotus jocosus", "acceptedScientificName": "Pycnonotus jocosus",
     "species": "Pycnonotus jocosus", "genus": "Pycnonotus"},
]  # fmt: skip
