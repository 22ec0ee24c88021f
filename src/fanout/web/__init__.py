"""Ordinary HTTP: tokens, the API, health and metrics, and the first pages.

    handover ─▶ http ─▶ exchange ─▶ app ─▶ rooms_api · health · metrics · openapi · pages
                 │
                 └─▶ back to the hub, when the next request on the connection is for it

Nothing here may hold up the hub or outlive a shutdown: every read and write has a deadline that can be cancelled, every
body a limit, and a request takes as few turns of the scheduler as it can, since each may wait for a slice of fan-out.
"""
