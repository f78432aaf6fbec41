"""The pages: plain HTML, CSS and ES modules, served as they are written.

Nothing is built and nothing is loaded from elsewhere. What a page shows it asks of the HTTP door,
as any other client would.
"""

from flashsale_server.web.pages import web_routes

__all__ = ["web_routes"]
