# Fetch what services have: here from a stub that answers as they do.
python -m stub_services addresses.sh &
_children+=($!)
_until 60 test -s addresses.sh
. ./addresses.sh
cat >area.geojson <<'AREA'
{"type": "Polygon", "coordinates": [[[101.9, 20.5], [102.1, 20.5], [102.1, 20.6], [101.9, 20.6], [101.9, 20.5]]]}
AREA
echo '{"type": "equals", "key": "COUNTRY", "value": "LA"}' >predicate.json
python -c 'import stub_services; print(stub_services.basic_dataset("2024-03-01"), end="")' >ebd_LA_relOct-2026.txt
biodata pull region --within area.geojson --taxon Mammalia --estimate
biodata pull gbif --predicate predicate.json --preview
biodata pull gbif --country LA --province Yunnan --taxon Mammalia --since 2010 --estimate
biodata pull alien --country LA
biodata pull protected-areas --country LA
biodata pull checklist 2144
biodata pull red-list --country LA
biodata pull protection --taxon Felidae
biodata pull elevation --within area.geojson
biodata pull land-cover --within area.geojson
biodata pull ebird ebd_LA_relOct-2026.txt --since 2020
biodata pull obis --taxon Dugongidae --since 1990
biodata pull inaturalist --country LA --taxon Primates --since 2015
biodata verify --data biodata_data
