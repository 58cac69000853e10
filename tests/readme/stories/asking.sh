# Ask, take home, cite, ask again; read a column, a name, a datum; test quality.
biodata export --data biodata_data --format csv --country LA --species "Nomascus concolor" --out gibbons.csv
biodata cite --data biodata_data --country LA --species "Nomascus concolor" --format bibtex
ID=$(biodata cite --data biodata_data --country LA --species "Nomascus concolor" | grep -oE '[0-9a-f]{32}' | tail -n 1)
biodata replay $ID --data biodata_data --out records.csv
biodata explain --occurrence-id urn:biodata-sample:namha:00002 --data biodata_data --json
biodata explain --occurrence-id urn:biodata-sample:namha:00002 --data biodata_data --json > record.json
KEY=$(python -c 'import json; print(json.load(open("record.json"))["key"])')
biodata explain $KEY --data biodata_data
biodata species show "Elephas maximus" --data biodata_data
biodata species statuses "Elephas maximus" --data biodata_data
biodata parse date sample_data/labels.csv --out dates.csv
biodata datum sample_data/labels.csv --out candidates.csv --points proposals.csv
biodata names sample_data/labels.csv --checklist sample_data/checklist.csv --out matched.csv
biodata checklist compare checklist sample_data/checklist.csv --data biodata_data --out changes.csv
biodata checklist resolve --data biodata_data
biodata checklist find 猕猴 --language zh --data biodata_data
biodata quality run sample_data/labels.csv --report quality.json --out responses.csv
