# One's own rasters, areas and networks, without an installation.
biodata cost-distance sample_data/planning/resistance.tif --sources sample_data/protected_areas.geojson --out cost.tif
biodata cost-distance sample_data/planning/resistance.tif --sources sample_data/planning/herds.csv --out cost.tif --allocation nearest.tif --targets sample_data/planning/salt_licks.geojson --paths paths.gpkg
biodata circuit sample_data/planning/circuit.ini --out results
biodata network --nodes sample_data/planning/nodes.txt --connections sample_data/planning/distances.txt --distance 10000 --probability 0.5 --out network.json --conefor results
biodata protconn sample_data/protected_areas.geojson sample_data/protected_areas_old_schema.gpkg --country LA --distance-m 10000 --out protconn.json
biodata protected-areas clean sample_data/protected_areas.geojson sample_data/protected_areas_old_schema.gpkg --out cleaned.gpkg --report cleaned.json
biodata gaps sample_data/protected_areas.geojson --country LA --country VN --as-of 2010-01-01 --as-of 2026-01-01 --ranges sample_data/planning/ranges.geojson --out gaps
biodata climate --today sample_data/planning/temperature_now.tif --future sample_data/planning/temperature_2075.tif --years 50 --velocity velocity.tif --forward forward.tif --areas sample_data/protected_areas.geojson --out climate.gpkg
biodata climate --elevation sample_data/layers/elevation_china_vietnam.tif --warming-c 2 --years 50 --areas sample_data/protected_areas.geojson --corridors --out climate.gpkg
biodata reserves solve sample_data/planning/marxan --out plan --gap 0.01
biodata reserves explain sample_data/planning/marxan 12 --instead-of 22
biodata reserves units --countries LA,CN --box 100,20,103,23 --cell-km 10 --shape hexagon --out units
