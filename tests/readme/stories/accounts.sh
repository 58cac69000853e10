# Accounts and keys; exact records asked for and granted by the country of occurrence.
# Who decides is given the role by one person and confirmed by another; the demo has both.
biodata account new ana --role node_manager --country LA --by office --data biodata_data
biodata account confirm ana node_manager --country LA --by witness --data biodata_data
biodata account new sou --role researcher --data biodata_data
biodata account list --data biodata_data
biodata account role ana reviewer --dataset nam-ha --by office --data biodata_data
biodata account confirm ana reviewer --dataset nam-ha --by witness --data biodata_data
biodata account code ana --data biodata_data
biodata key new nam-ha-team --data biodata_data
biodata key list --data biodata_data
biodata key revoke 1 --data biodata_data
biodata access request --account sou --country LA --taxon "Elephas maximus" --field decimalLatitude --expires 2027-06-30T00:00:00+00:00 --purpose "corridor study" --data biodata_data
biodata access list --account ana --data biodata_data
ID=$(biodata access list --account ana --data biodata_data | grep -oE '[0-9a-f]{32}' | head -n 1)
biodata exact key la.key --public la.pem
# The service gives the text of a grant (GET /v1/access/requests/ID/grant); here it is made as the service makes it.
python - "$ID" > grant.json <<'PYTHON'
import sys
from biodata.access import requests
from biodata.cli.access import open_account
from biodata.core.settings import Settings
from biodata.store.registry import Registry
with Registry.open(Settings(data="biodata_data")) as registry:
    print(requests.to_sign(registry, open_account(registry, "ana"), sys.argv[1], "LA"))
PYTHON
biodata access sign grant.json --key la.key
biodata access decide $ID --account ana --country LA --key la.key --data biodata_data
biodata access revoke $ID --account ana --country LA --data biodata_data
biodata access request --account sou --country LA --taxon "Elephas maximus" --field decimalLatitude --expires 2027-06-30T00:00:00+00:00 --purpose "another study" --data biodata_data
ID=$(biodata access list --account ana --data biodata_data | grep "another study" | grep -oE '[0-9a-f]{32}')
biodata access decide $ID --account ana --country LA --refuse --reason "a smaller area would do" --data biodata_data
biodata account revoke ana --data biodata_data
biodata account reopen ana --data biodata_data
biodata exact build --data biodata_data --store exact
biodata exact trust LA la.pem --store exact
biodata exact serve --store exact --socket exact.sock
biodata exact audit --store exact
