"""Gauges that are stored."""

from dataclasses import replace

from crypitor.database.gauges import GAUGE, enrol


async def enrolled(tx, gauges):
    """Take gauges in; return them with the places that they have."""
    await enrol(tx, gauges)
    places = {row["id"]: row["place"] for row in await tx.all(GAUGE)}
    return [replace(gauge, place=places[gauge.id]) for gauge in gauges]
