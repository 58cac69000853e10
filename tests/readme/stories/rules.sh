# Each country keeps its say: rules, labels, permits, terms, the log of it all.
biodata rules check --data biodata_data
biodata rules list --data biodata_data
biodata rules versions --data biodata_data
biodata rules export rules.csv --consents consents.csv --labels labels.csv --data biodata_data
biodata rules import rules.csv --data biodata_data --dry-run
sed -i 's/fewer than a few hundred birds in Yunnan/few are left in Yunnan/' rules.csv
biodata rules import rules.csv --consents consents.csv --labels labels.csv --reason "yearly review" --data biodata_data
biodata rules remove peafowl_yunnan --data biodata_data --dry-run
biodata sensitive "Nomascus concolor" --category 1_degree --reason "hunted" --data biodata_data
biodata dataset list --data biodata_data
biodata dataset set checklist --data biodata_data --title "Checklist of our region" --license "CC BY 4.0"
biodata rights label TK-SS --dataset nam-ha --event camp-3 --community "Akha of Ban Na" --data biodata_data
biodata rights labels --data biodata_data
biodata rights unlabel TK-SS --dataset nam-ha --event camp-3 --data biodata_data
biodata rights permit ircc ABSCH-IRCC-VN-256843-1 --dataset nam-ha --expires 2028-12-31 --data biodata_data
biodata rights permits --data biodata_data
biodata rights withdraw 1 --data biodata_data
echo "Do not look for the place on the ground." > terms.txt
biodata rights terms --set terms.txt --data biodata_data
biodata rights use LA --year 2026 --data biodata_data
biodata audit list --data biodata_data --action "role given" --since 2026-11-01
biodata audit verify --data biodata_data
biodata audit head --data biodata_data
biodata audit leaks --data biodata_data
biodata audit openness --data biodata_data
