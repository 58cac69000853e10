"""Run by the Python of QGIS, not by pytest: opens our features and tiles, filters them, and draws both into a picture."""

import json
import os
import sys

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from qgis.core import (
    Qgis,
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsFeatureRequest,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
    QgsVectorTileBasicRenderer,
    QgsVectorTileLayer,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor

address, picture = sys.argv[1:3]
program = QgsApplication([], False)
program.initQgis()


def features(name, sql=""):
    """Return a layer of OGC API Features."""
    uri = f"typename='{name}' url='{address}/ogc' restrictToRequestBBOX='0'" + (f" sql={sql}" if sql else "")
    layer = QgsVectorLayer(uri, name, "OAPIF")
    assert layer.isValid(), layer.error().message()
    return layer


def colour(value):
    """Return a colour."""
    return QColor(value)


occurrences, areas, boundaries = features("occurrences"), features("protected_areas"), features("boundaries")
told = {"version": Qgis.QGIS_VERSION}
told["features"] = sum(1 for _ in occurrences.getFeatures())
told["count"] = occurrences.featureCount()
told["fields"] = [field.name() for field in occurrences.fields()]
box = QgsRectangle(101, 20.5, 102, 21.5)
told["in_box"] = sorted(
    f["occurrenceID"] for f in features("occurrences").getFeatures(QgsFeatureRequest(box)) if f["occurrenceID"]
)
filtered = features("occurrences")
filtered.setSubsetString('"countryCode" = \'VN\' AND "year" > 2010')
told["filtered"] = sum(1 for _ in filtered.getFeatures())
told["areas"] = sorted(f["area_id"] for f in areas.getFeatures())
tiles = QgsVectorTileLayer(
    f"type=xyz&zmin=0&zmax=14&url={address}/ogc/collections/occurrences/tiles/WebMercatorQuad/{{z}}/{{y}}/{{x}}",
    "tiles",
)
assert tiles.isValid(), tiles.error().message()
styles = QgsVectorTileBasicRenderer.simpleStyle(
    colour("#80b1d3"), colour("#225588"), 0.3, colour("#225588"), 0.5, colour("#1f78b4"), colour("#1f78b4"), 3.0
)
tiles.setRenderer(QgsVectorTileBasicRenderer())
tiles.renderer().setStyles(styles)
occurrences.renderer().symbol().setColor(colour("#d7301f"))
occurrences.renderer().symbol().setSize(1.2)
areas.renderer().symbol().setColor(colour("#99d8a0"))
boundaries.renderer().symbol().setColor(colour("#f4f1ea"))
settings = QgsMapSettings()
web = QgsCoordinateReferenceSystem("EPSG:3857")
settings.setDestinationCrs(web)
moved = QgsCoordinateTransform(QgsCoordinateReferenceSystem("EPSG:4326"), web, QgsProject.instance())
settings.setExtent(moved.transformBoundingBox(QgsRectangle(99.5, 19.5, 108, 24.5)))
settings.setOutputSize(QSize(1000, 650))
settings.setBackgroundColor(colour("#cfe2f3"))


def draw(layers, file):
    """Draw layers into a picture; return how many colours it has and how many pixels are not of its background."""
    settings.setLayers(layers)
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    assert not job.errors(), [e.message for e in job.errors()]
    image = job.renderedImage()
    image.save(file)
    background = colour("#cfe2f3").rgb()
    return sum(image.pixel(x, y) != background for x in range(0, 1000, 2) for y in range(0, 650, 2))


told["drawn_features"] = draw([occurrences, areas], picture.replace(".png", "-features.png"))
told["drawn_tiles"] = draw([tiles], picture.replace(".png", "-tiles.png"))
told["drawn"] = draw([occurrences, tiles, areas, boundaries], picture)
print(json.dumps(told))
sys.stdout.flush()
os._exit(0)  # QGIS ends with a fault of its own where layers of the network are still there
