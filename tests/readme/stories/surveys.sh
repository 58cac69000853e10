# A survey from the template to the map, with a reviewer's question; off the map, back, and gone for good.
biodata account new rangers --role uploader --dataset nam-ha --data biodata_data
biodata account new noy --role node_manager --country LA --by office --data biodata_data
biodata account confirm noy node_manager --country LA --by witness --data biodata_data
biodata survey template camera_trap --language lo --out survey.xlsx
biodata survey check sample_data/survey_with_faults.xlsx --language lo --out report.xlsx || [ $? = 1 ]
biodata survey diff sample_data/survey_namha.xlsx --dataset nam-ha --data biodata_data
biodata survey submit sample_data/survey_namha.xlsx --accept "heading.locality=verbatimLocality" --account rangers --dataset nam-ha --data biodata_data
biodata worker --once --data biodata_data
biodata survey status 1 --language lo --data biodata_data
biodata survey review 1 ask --account noy --reasons "row 7: is the sex sure?" --data biodata_data
biodata survey answer 1 "two rangers saw it" --account rangers --data biodata_data
biodata survey review 1 accept --account noy --data biodata_data
biodata worker --once --data biodata_data
biodata survey results --dataset nam-ha --data biodata_data --out results.html --png plots
biodata survey history --dataset nam-ha --data biodata_data
biodata survey remove 1 --account rangers --data biodata_data
biodata survey restore 1 --account rangers --data biodata_data
biodata worker --once --data biodata_data
biodata survey purge --dataset nam-ha --part "survey_namha" --reason "asked by the ministry" --yes --data biodata_data
