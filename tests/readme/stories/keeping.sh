# Keep an installation whole: take in, release, check, back up, restore, take back.
biodata demo --data biodata_data
biodata worker --data biodata_data
biodata serve --data biodata_data
biodata ingest gbif sample_data/occurrences_gbif.zip --data mydata
biodata ingest layer sample_data/layers/elevation_china_laos.tif --data mydata --kind elevation
biodata ingest survey sample_data/survey_namha.xlsx --dataset nam-ha --data biodata_data
biodata assess --data biodata_data
biodata release --data biodata_data
biodata verify --data biodata_data
biodata verify --record --data biodata_data
biodata compact --data biodata_data --expire-days 365
biodata backup --data biodata_data --out backup
biodata restore backup --data restored
biodata verify --data restored
biodata withdraw --dataset nam-ha --dry-run --data biodata_data
biodata withdraw --dataset nam-ha --reason "the community asks for it" --data biodata_data
biodata purge --data biodata_data --backups backup
