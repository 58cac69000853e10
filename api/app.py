"""The application: settings in, one release and the registry opened, every route put together."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

from anyio import CapacityLimiter
from fastapi import FastAPI

from api import (
    access,
    accounts,
    areas,
    callers,
    citations,
    consents,
    datasets,
    documents,
    downloads,
    features,
    health,
    items,
    logs,
    occurrences,
    pages,
    problems,
    rights,
    species,
    species_parts,
    survey_page,
    surveys,
    tiles,
    workers,
)
from api.auth import Gate, survey_gates
from api.dependencies import Service
from api.health import Metrics
from api.middleware import Envelope
from biodata.core.settings import Settings
from biodata.store.folders import token_secret
from biodata.store.sharing_rules import rules_of

CHECKS_AT_ONCE: Final = 4

DESCRIPTION: Final = (
    "A shared biodiversity record for Southwest China and ASEAN. Below /v1 it speaks as GBIF's API does, below /ogc as "
    "OGC API Features and Tiles. Every answer tells its release in X-Biodata-Release; every error is problem+json."
)


def create_app(settings: Settings | None = None, *, dist: Path = pages.DIST) -> FastAPI:
    """Put the application together; nothing is opened before it starts.

    Parameters
    ----------
    settings : Settings, optional
        The installation; from the environment where none are given.
    dist : Path
        Folder of the built map; it may be built later.

    Returns
    -------
    FastAPI
    """
    chosen = settings or Settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with (
            logs.written(),
            workers.short_turns(),
            Service(chosen) as app.state.service,
            callers.of_installation(chosen) as app.state.rates,
        ):
            registry = app.state.service.registry  # opened before anybody asks
            rules_of(registry)  # without them nothing starts
            limit = chosen.login_limit
            key = token_secret(chosen.data)
            app.state.login_rates = callers.LoginRates(registry, limit, key=key) if limit else None
            app.state.service.sweep()
            app.state.service.warm()
            workers.end_with_server()
            yield

    app = FastAPI(
        title="biodata", version=version("biodata"), description=DESCRIPTION, lifespan=lifespan, openapi_url=None,
        docs_url=None, redoc_url=None, separate_input_output_schemas=False,
    )  # fmt: skip
    made = app.openapi
    app.openapi = cache(lambda: documents.finish(made()))  # type: ignore[method-assign]  # FastAPI's documented way
    app.state.metrics = Metrics(os.environ.get(health.VARIABLE))
    app.state.dist = dist
    # A check reads a whole workbook: few at a time, so that uploads cannot take all memory or every thread.
    app.state.checking = CapacityLimiter(CHECKS_AT_ONCE)
    app.state.known_checks, app.state.public_checks = survey_gates()
    app.state.gate = Gate()
    app.add_middleware(Envelope, metrics=app.state.metrics, settings=chosen)
    problems.install(app)
    # The first that fits is taken: those that are asked most stand first.
    for router in (
        tiles.router,
        items.router,
        occurrences.router,
        areas.router,
        species.match_router,
        species.router,
        species_parts.router,
        datasets.router,
        features.router,
        tiles.grids_router,
        survey_page.templates_router,
        survey_page.results_router,
        surveys.reviews_router,
        surveys.router,
        downloads.router,
        citations.router,
        citations.replay_router,
        rights.public,
        rights.guarded,
        rights.sensitivity_router,
        accounts.login_router,
        accounts.own_router,
        accounts.router,
        accounts.appointments_router,
        access.router,
        consents.router,
        consents.withdrawals_router,
        health.router,
        survey_page.router,
        pages.reports_router,
        pages.router,
    ):
        app.include_router(router)
    app.mount("/assets", pages.Assets(directory=dist / "assets", check_dir=False), name="assets")
    return app
