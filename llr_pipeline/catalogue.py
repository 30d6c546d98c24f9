"""The catalogue: who answers for an asset and for whom it is, by its layer, so that the web interface can be searched.

`tag:for=managers` finds the reports, `owner:team:analysis` what analysts answer for.
"""

from __future__ import annotations

from collections.abc import Iterable

import dagster as dg

LAYERS = {
    "raw": ("team:data_engineering", "engineers"),
    "reference": ("team:analysis", "analysts"),
    "core": ("team:analysis", "analysts"),
    "mart": ("team:analysis", "analysts"),
    "report": ("team:planning", "managers"),
    "published": ("team:data_engineering", "analysts"),
}
"""Of the assets of a layer: who answers for them, and for whom they are."""


def catalogued(assets: Iterable[dg.AssetsDefinition]) -> list[dg.AssetsDefinition]:
    """The assets with an owner and tags."""
    return list(dg.map_asset_specs(_described, assets))


def _described(spec: dg.AssetSpec) -> dg.AssetSpec:
    layer = spec.key.path[0]
    owner, reader = LAYERS[layer]
    return spec.replace_attributes(owners=[owner], tags={**spec.tags, "layer": layer, "for": reader})
