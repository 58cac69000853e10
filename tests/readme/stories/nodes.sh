# A node keeps its records at home and hands over what its rules let out; a hub asks it before results go public.
cp -r biodata_data laos
cp -r biodata_data hub
biodata node new LA --data laos
biodata node export --data laos --out laos-2026-11
biodata node appoint noy --data laos --out noy.json
FINGERPRINT=$(biodata node list --data laos | grep -oE '[0-9a-f]{64}')
biodata node trust LA laos/node-LA.pub --fingerprint $FINGERPRINT --data hub
biodata node list --data hub
biodata ingest node laos-2026-11 --data hub
biodata consent list --data hub
biodata consent show landcover_china_laos-candidate-1 --data hub --out draft.json
biodata consent sign draft.json agree --data laos --out answer.json
biodata consent answer landcover_china_laos-candidate-1 LA agree --signature answer.json --data hub
biodata node distrust LA --data hub
