{% import "macros.qml" as m %}
<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis version="3.40.0" styleCategories="Symbology">
{% if graded %}
<renderer-v2 type="graduatedSymbol" attr="{{ style.attribute }}" graduatedMethod="GraduatedColor" {{ m.common() }}>
<ranges>
{% for low, high, symbol in graded %}<range lower="{{ low }}" upper="{{ high }}" symbol="{{ loop.index0 }}" label="{{ symbol.label }}" render="true"/>
{% endfor %}
</ranges>
{{ m.symbols(style.kind, graded | map(attribute=2)) }}
</renderer-v2>
{% else %}
<renderer-v2 type="{{ "categorizedSymbol" if style.attribute else "singleSymbol" }}" {{ m.common() }}{% if style.attribute %} attr="{{ style.attribute }}"{% endif %}>
{% if style.attribute %}
<categories>
{# An empty value is QGIS's for whatever has none of the others. #}
{% for value, symbol in ordered %}<category value="{{ value }}" type="{{ "string" if value else "NULL" }}" symbol="{{ loop.index0 }}" label="{{ symbol.label }}" render="true"/>
{% endfor %}
</categories>
{% endif %}
{{ m.symbols(style.kind, ordered | map(attribute=1)) }}
</renderer-v2>
{% endif %}
</qgis>
