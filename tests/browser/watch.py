"""Notes what no page of the console may do: an error in the browser's console, an exception, a dialog of
the browser, a request to another host, a violation of the Content-Security-Policy."""
import re

# Chromium writes an error for each response above 399, which the console's code cannot prevent. A test declares those that it provokes.
REFUSED = "Failed to load resource: the server responded with a status of"

CSP = """
window.addEventListener("securitypolicyviolation",
    event => console.error("CSP violation: " + event.violatedDirective + " " + event.blockedURI), true);
"""


class Watch:
    def __init__(self, page, origin):
        self.origin = origin
        self.everything = []  # all messages of the browser's console
        self.wrong = []
        self.expected = []
        self.requests = []  # (method, URL)
        page.context.add_init_script(CSP)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self._note(f"exception: {error}"))
        page.on("dialog", self._dialog)
        page.on("request", self._request)
        page.on("popup", lambda popup: self._note(f"window: {popup.url}"))

    def _note(self, what):
        self.everything.append(what)
        self.wrong.append(what)

    def _console(self, message):
        text = f"{message.type}: {message.text} ({message.location.get('url', '')})"
        self.everything.append(text)
        if message.type in ("error", "warning"):
            self.wrong.append(text)

    def _dialog(self, dialog):
        self._note(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _request(self, request):
        self.requests.append((request.method, request.url))
        if not request.url.startswith((self.origin + "/", "data:", "blob:")):
            self._note(f"request to another host: {request.url}")

    def expect_status(self, *codes):
        """This test provokes responses with these status codes."""
        self.expected += [re.escape(f"{REFUSED} {code} ") for code in codes]

    def expect_no_answer(self):
        """This test stops the server."""
        self.expected.append(r"Failed to load resource: net::ERR_")

    def unexpected(self):
        return [line for line in self.wrong if not any(re.search(pattern, line) for pattern in self.expected)]

    def assert_clean(self):
        assert not self.unexpected(), "the page did what it must not:\n" + "\n".join(self.unexpected())
