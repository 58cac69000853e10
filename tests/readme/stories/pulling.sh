# Fetch what services have: here from a stub that answers as they do.
python -m stub_services addresses.sh &
_children+=($!)
_until 60 test -s addresses.sh
. ./addresses.sh
biodata pull gbif --country LA --province Yunnan --taxon Mammalia --since 2010 --estimate
biodata pull alien --country LA
biodata pull protected-areas --country LA
biodata pull checklist 2144
biodata pull red-list --country LA
biodata pull obis --taxon Dugongidae --since 1990
biodata pull inaturalist --country LA --taxon Primates --since 2015
biodata verify --data biodata_data
