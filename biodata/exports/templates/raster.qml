<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis version="3.40.0" styleCategories="Symbology">
<pipe>
{% if classes %}
<rasterrenderer type="paletted" band="1" opacity="1"><colorPalette>
{% for shade in shades %}<paletteEntry value="{{ "%g" % shade.value }}" color="{{ shade.colour }}" label="{{ shade.label }}" alpha="255"/>
{% endfor %}
</colorPalette></rasterrenderer>
{% else %}
{% set low, high = "%g" % shades[0].value, "%g" % shades[-1].value %}
<rasterrenderer type="singlebandpseudocolor" band="1" opacity="1" classificationMin="{{ low }}" classificationMax="{{ high }}"><rastershader>
<colorrampshader colorRampType="INTERPOLATED" classificationMode="1" clip="0" minimumValue="{{ low }}" maximumValue="{{ high }}">
{% for shade in shades %}<item value="{{ "%g" % shade.value }}" color="{{ shade.colour }}" label="{{ shade.label }}" alpha="255"/>
{% endfor %}
</colorrampshader></rastershader></rasterrenderer>
{% endif %}
</pipe>
</qgis>
