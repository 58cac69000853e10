# What the records tell of species. The model needs the extra sdm.
biodata species figures "Elephas maximus" --data biodata_data --out elephant.gpkg --json
biodata species habitat "Bos gaurus" --land-cover landcover_china_laos --classes 2,4,5 --data biodata_data --out habitat.tif
biodata species richness Mammalia --box 100,20,103,23 --data biodata_data --out richness.gpkg
biodata species model "Sus scrofa" --layer landcover_china_laos=2,5 --layer landcover_china_laos=12,13 --data biodata_data --out suitability.tif || [ $? = 1 ]
