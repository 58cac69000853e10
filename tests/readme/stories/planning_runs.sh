# The demo's kept runs: listed, shown, repeated, compared and asked about; what they found as layers, reports and surveys.
biodata runs list --data biodata_data
biodata runs show landcover_china_laos-corridor-1 --data biodata_data
biodata runs repeat landcover_china_vietnam-corridor-1 --data biodata_data
biodata runs compare landcover_china_laos-corridor-1 landcover_china_vietnam-corridor-1 --data biodata_data || [ $? = 1 ]
biodata runs start corridors --data biodata_data --set layer=landcover_china_vietnam --set resistance=sample_data/resistance.csv
biodata corridors --data biodata_data --layer landcover_china_vietnam --resistance sample_data/resistance.csv --out corridors.gpkg
biodata corridors-validate --data biodata_data --run landcover_china_laos-candidate-1 --species "Elephas maximus"
biodata corridors-uncertainty --data biodata_data --run landcover_china_vietnam-corridor-1 --draws 100
biodata scenarios --data biodata_data --run landcover_china_vietnam-corridor-1 --close-border
biodata candidates --data biodata_data --out candidates.gpkg --considered
biodata candidates --data biodata_data --criteria shared_species,human_pressure --out by_two.gpkg
biodata report landcover_china_laos-candidate-1 --data biodata_data --out report.html
biodata survey-design landcover_china_laos-corridor-1 --species "Elephas maximus" --data biodata_data --out survey.gpkg --out survey.gpx
biodata analysis-inputs conefor --data biodata_data --reach-m 50000 --out conefor
biodata analysis-inputs circuitscape --data biodata_data --raster sample_data/planning/resistance.tif --out circuit
biodata analysis-inputs marxan --data biodata_data --box 101,20,103,22 --side-m 10000 --out marxan
