"""Routes of other tables of this room that the application serves beside its own."""

from starlette.routing import Route

from api.endpoints.subscriptions import ROUTES as SUBSCRIPTIONS
from api.openapi.document import ROUTES as DESCRIPTION
from api.pages.table import ROUTES as PAGES

MORE_ROUTES: tuple[Route, ...] = (*PAGES, *SUBSCRIPTIONS, *DESCRIPTION)
