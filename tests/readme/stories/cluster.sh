# Several machines: one takes in and publishes into a shared lake, another serves the release.
python -m cluster_servers servers &
_children+=($!)
_until 240 test -f servers/ready
source servers/ready
biodata cluster join --catalogue $CATALOGUE --storage s3://biodata/region --endpoint $ENDPOINT --data region
export BIODATA_REGISTRY_URL=$REGISTRY
biodata ingest checklist sample_data/checklist.csv --data region
biodata release --data region
biodata cluster follow --storage s3://biodata/region --endpoint $ENDPOINT --once --data replica
PORT=$(python -c 'from servers import free_port; print(free_port())')
biodata serve --data replica --port $PORT
curl -sf http://127.0.0.1:$PORT/v1/species/match?name=Panthera%20tigris
