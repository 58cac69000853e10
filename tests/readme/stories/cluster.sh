# Several machines: one takes in and publishes into a shared lake, another serves the release.
python -m cluster_servers servers &
_children+=($!)
_until 60 test -f servers/ready
source servers/ready
biodata cluster join --catalogue $CATALOGUE --storage s3://biodata/region --endpoint $ENDPOINT --data region
biodata ingest checklist sample_data/checklist.csv --data region
biodata release --data region
biodata cluster follow --storage s3://biodata/region --endpoint $ENDPOINT --once --data replica
test -f replica/releases/CURRENT
