"""The tables of a Wildlife Insights download."""

PROJECTS = (
    "project_id,project_name,project_admin,project_admin_email,metadata_license\n7,Nam Ha,Khamla,k@x.invalid,CC0\n"
)


CAMERAS = "project_id,camera_id,make,model\n7,c1,Reconyx,HF2X\n"


DEPLOYMENTS = (
    "project_id,deployment_id,placename,longitude,latitude,start_date,end_date,camera_id,camera_functioning,recorded_by\n"
    "7,d1,Ridge,101.3,21.2,2026-01-01 00:00:00,2026-01-31 00:00:00,c1,Camera Functioning,Bounmy\n"
    "7,d2,Stream,101.4,21.3,2026-01-01 00:00:00,2026-01-31 00:00:00,c1,Vandalism/Theft,Bounmy\n"
)


HEADING = (
    "project_id,deployment_id,image_id,location,is_blank,identified_by,class,order,family,genus,species,common_name,timestamp,"
    "number_of_objects,cv_confidence,fuzzed\n"
)


MUNTJAC = "Mammalia,Cetartiodactyla,Cervidae,Muntiacus,vaginalis,Northern Red Muntjac"


ROW = f"7,d1,i1,gs://x/i1.jpg,0,Somchai,{MUNTJAC},2026-01-05 06:00:00,2,,false\n"
