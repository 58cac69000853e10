# Corridors over one's own raster: tested, drawn many times, with a fence and a closed border.
biodata resistance sample_data/resistance.csv --layers biodata_data --use land_cover=landcover_china_laos --out resistance.tif
biodata corridors --raster sample_data/planning/resistance.tif --areas sample_data/protected_areas.geojson --out corridors.gpkg --mosaic mosaic.tif
biodata corridors-validate --raster sample_data/planning/resistance.tif --areas sample_data/protected_areas.geojson --records sample_data/planning/records.csv --species "Elephas maximus" --out validation.json
biodata corridors-uncertainty --raster sample_data/planning/resistance.tif --areas sample_data/protected_areas.geojson --spread 2 --draws 100 --out frequency.tif --report uncertainty.json
biodata scenarios --raster sample_data/planning/resistance.tif --areas sample_data/protected_areas.geojson --barriers sample_data/planning/fence.geojson --crossings sample_data/planning/gates.geojson --crossing-width-m 500 --out scenarios.gpkg --difference difference.tif
biodata scenarios --raster sample_data/planning/resistance.tif --areas sample_data/protected_areas.geojson --close-border --between CN-LA --out scenarios.gpkg
