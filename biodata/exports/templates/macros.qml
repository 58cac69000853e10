{# Symbols of vector layers, each named by its number. #}
{% macro symbols(kind, ordered) %}
<symbols>
{% for symbol in ordered %}
<symbol type="{{ kind }}" name="{{ loop.index0 }}" alpha="1" clip_to_extent="1">
<layer class="{{ {"fill": "SimpleFill", "line": "SimpleLine", "marker": "SimpleMarker"}[kind] }}" enabled="1" locked="0" pass="0"><Option type="Map">
{% for name, value in options(kind, symbol).items() %}<Option name="{{ name }}" value="{{ value }}" type="QString"/>{% endfor %}
</Option></layer></symbol>
{% endfor %}
</symbols>
{% endmacro %}
{% macro common() %}symbollevels="0" enableorderby="0" forceraster="0"{% endmacro %}
