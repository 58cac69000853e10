"""What is common stays open, and so do the relatives of what is listed: no rule is called for by a name that it does not mean."""

import polars as pl

from biodata.sharing import RuleSet
from biodata.sharing.names import meant_by_hand
from biodata.text.reference_list import CLASSIFICATION, reference_list

COMMON = """
Passer montanus, Pycnonotus jocosus, Pycnonotus sinensis, Pycnonotus aurigaster, Spilopelia chinensis,
Streptopelia orientalis, Columba livia, Corvus macrorhynchos, Pica serica, Acridotheres tristis, Acridotheres
cristatellus, Copsychus saularis, Zosterops simplex, Zosterops japonicus, Parus minor, Hirundo rustica,
Motacilla alba, Motacilla cinerea, Anthus hodgsoni, Lanius schach, Dicrurus macrocercus, Dicrurus leucophaeus,
Oriolus chinensis, Orthotomus sutorius, Prinia inornata, Cisticola juncidis, Phylloscopus inornatus,
Phylloscopus proregulus, Egretta garzetta, Ardea alba, Ardea cinerea, Ardeola bacchus, Bubulcus coromandus,
Nycticorax nycticorax, Gallinula chloropus, Fulica atra, Tachybaptus ruficollis, Anas crecca, Anas
platyrhynchos, Vanellus indicus, Tringa totanus, Tringa nebularia, Actitis hypoleucos, Charadrius dubius,
Alcedo atthis, Halcyon smyrnensis, Centropus sinensis, Eudynamys scolopaceus, Cuculus canorus, Apus
nipalensis, Upupa epops, Dendrocopos major, Psilopogon virens, Merops philippinus, Lonchura striata, Lonchura
punctulata, Emberiza pusilla, Turdus mandarinus, Monticola solitarius, Phoenicurus auroreus, Saxicola maurus,
Garrulax canorus, Ficedula albicilla, Eumyias thalassinus, Pericrocotus speciosus, Aethopyga christinae,
Cinnyris jugularis, Dicaeum ignipectus, Rhipidura javanica, Hypothymis azurea, Aegithina tiphia, Anthreptes
malacensis, Geopelia striata, Rattus rattus, Rattus norvegicus, Rattus tanezumi, Mus musculus, Bandicota
indica, Callosciurus erythraeus, Tamiops swinhoei, Tupaia belangeri, Tupaia glis, Suncus murinus, Pipistrellus
abramus, Cynopterus sphinx, Rousettus leschenaultii, Sus scrofa, Muntiacus muntjak, Muntiacus vaginalis,
Paguma larvata, Paradoxurus hermaphroditus, Lepus sinensis, Canis lupus, Felis catus, Bos taurus, Bubalus
bubalis, Herpestes javanicus, Hystrix brachyura, Atherurus macrourus, Gekko gecko, Hemidactylus frenatus,
Calotes versicolor, Eutropis multifasciata, Varanus salvator, Xenochrophis piscator, Ptyas korros,
Trimeresurus albolabris, Duttaphrynus melanostictus, Fejervarya limnocharis, Polypedates megacephalus,
Polypedates leucomystax, Microhyla fissipes, Kaloula pulchra, Hoplobatrachus rugulosus, Hylarana erythraea,
Channa striata, Anabas testudineus, Clarias batrachus, Cyprinus carpio, Carassius auratus, Oreochromis
niloticus, Oreochromis mossambicus, Gambusia affinis, Trichopodus trichopterus, Monopterus albus, Papilio
polytes, Papilio demoleus, Papilio memnon, Graphium sarpedon, Catopsilia pomona, Pieris rapae, Pieris canidia,
Eurema hecabe, Danaus genutia, Danaus chrysippus, Euploea core, Hypolimnas bolina, Junonia almana, Junonia
orithya, Melanitis leda, Zizina otis, Pantala flavescens, Orthetrum sabina, Crocothemis servilia, Apis cerana,
Apis mellifera, Vespa velutina, Aedes aegypti, Aedes albopictus, Oecophylla smaragdina, Solenopsis invicta,
Pomacea canaliculata, Lissachatina fulica, Ageratina adenophora, Chromolaena odorata, Mikania micrantha,
Mimosa pudica, Lantana camara, Bidens pilosa, Ageratum conyzoides, Eichhornia crassipes, Pistia stratiotes,
Imperata cylindrica, Miscanthus sinensis, Cynodon dactylon, Eleusine indica, Phragmites australis, Oryza
sativa, Zea mays, Camellia sinensis, Hevea brasiliensis, Tectona grandis, Eucalyptus camaldulensis, Pinus
massoniana, Pinus yunnanensis, Cunninghamia lanceolata, Ficus benjamina, Ficus microcarpa, Ficus religiosa,
Ficus hispida, Musa acuminata, Mangifera indica, Cocos nucifera, Psidium guajava, Carica papaya, Nephrolepis
cordifolia, Pteridium aquilinum, Dicranopteris linearis, Schima wallichii, Quercus acutissima, Alnus
nepalensis, Rhizophora apiculata, Rhizophora mucronata, Avicennia marina, Acacia mangium, Leucaena
leucocephala, Bauhinia purpurea, Senna alata, Ipomoea cairica, Ipomoea aquatica, Colocasia esculenta, Alocasia
macrorrhizos, Costus speciosus, Zingiber officinale, Melastoma malabathricum, Rhodomyrtus tomentosa, Rubus
niveus, Urena lobata, Sida rhombifolia, Plantago asiatica, Oxalis corniculata, Houttuynia cordata, Persicaria
chinensis, Alternanthera philoxeroides, Amaranthus spinosus, Parthenium hysterophorus, Sphagneticola
trilobata, Solanum nigrum, Datura metel, Acropora millepora, Porites lutea
"""
"""Species that are met all over the region, of all kinds; none is on the list of sensitive ones."""
RULES = RuleSet.read(None)
LISTED = {rule.scientific_name for rule in RULES.rules if rule.scientific_name is not None}


def called_for(names: pl.Series) -> tuple[list[set[str | None]], pl.Series]:
    """Return the listed taxa whose rules each name calls for, and whether it is known."""
    found = RULES.resolver.resolve(names.alias("scientificName").to_frame())
    taxa = [{RULES.rules[n].scientific_name for n in numbers} for numbers in found.of_rows()]
    return [taxa[place] for place in found.place], found.table["known"].gather(found.place)


def test_common_taxa_are_known_and_open():
    names = pl.Series([name.strip() for name in COMMON.split(",")])
    taxa, known = called_for(names)
    assert len(names) > 213
    assert [name for name, one in zip(names, taxa, strict=True) if one] == []
    assert names.filter(~known).to_list() == []


def test_relatives_of_listed_taxa_call_for_no_rule_of_theirs():
    listed = reference_list().look_up(pl.Series(sorted(LISTED)))
    families = listed.filter(pl.col("rank").is_in(["GENUS", "SPECIES", "SUBSPECIES"]))["family"].drop_nulls().unique()
    species = reference_list().names.filter(pl.col("name").str.contains(" "))["name"].unique()
    rows = reference_list().look_up(species).filter(pl.col("family").is_in(families.implode()))
    # A listed name may be another name of what the list accepts.
    others: dict[str, set[str]] = {}
    for name, accepted in listed.select("name", "accepted").iter_rows():
        others.setdefault(accepted, set()).add(name)
    above: dict[str, set[str]] = {}
    for name, accepted, *groups in (
        rows.filter(pl.col("status") == "ACCEPTED").select("name", "accepted", *CLASSIFICATION).iter_rows()
    ):
        own = {name, accepted, " ".join(accepted.split()[:2]), *(group for group in groups if group)}
        own |= {one for known in own for one in meant_by_hand(known)}
        own |= {one for known in own for one in others.get(known, ())}
        above.setdefault(name, set()).update(own)
    names = pl.Series(sorted(above))
    taxa, _ = called_for(names)
    assert len(names) > 50_000
    assert [(name, one - above[name]) for name, one in zip(names, taxa, strict=True) if one - above[name]] == []
    assert [name for name, one in zip(names, taxa, strict=True) if LISTED & above[name] - one] == []
