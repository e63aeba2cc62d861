"""The description is valid, each dialect has its part, and the running server conforms to it."""
import json
import os
import pathlib
import subprocess
import sys

import pytest
import yaml

SOURCE = pathlib.Path(__file__).parents[2] / "api/openapi.yaml"
DIALECTS = ("penny", "merchant", "devengo", "payconex")
CHECKS = ("not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
          "response_schema_conformance,unsupported_method,ignored_auth")


def test_the_whole_is_served(api):
    anybody = api.anybody()
    assert anybody.get("/openapi.json").json() == yaml.safe_load(SOURCE.read_text())
    assert anybody.get("/openapi.yaml").content == SOURCE.read_bytes()
    page = anybody.get("/docs")
    assert page.status_code == 200 and page.headers["Content-Type"].startswith("text/html") and "/openapi.json" in page.text


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_dialects_part_names_no_other(api, dialect):
    answer = api.anybody().get(f"/openapi.json?dialect={dialect}")
    part = answer.json()
    text = json.dumps({k: part[k] for k in ("paths", "components")}).lower()
    refs = {word.split('"')[0] for word in text.split('"$ref": "#/')[1:]}
    for ref in refs:
        at = json.loads(text)
        for key in ref.split("/"):
            at = at[key]
    for other in set(DIALECTS) - {dialect}:
        assert not any(name.startswith(other) for name in json.loads(text)["components"]["schemas"])
        assert f"{other}key" not in text and f"{other}token" not in text
    assert ("/api/v4/webhooks/trigger" in part["paths"]) == (dialect == "payconex")
    assert ("/v1/webhooks" in part["paths"]) == (dialect != "payconex")


def test_an_unknown_dialect(api):
    assert api.anybody().get("/openapi.json?dialect=other").status_code == 400


# Logging in is a separate run: its wrong passwords are throttled, which would hide the responses of the others.
@pytest.mark.parametrize(("dialect", "paths"), [(dialect, "--exclude-path-regex") for dialect in DIALECTS]
                         + [("devengo", "--include-path-regex"), ("merchant", "--include-path-regex")])
def test_schemathesis(system, api, dialect, paths, test_directory):
    """Generated requests, valid and invalid: no server error, no undocumented status, no response that differs from the description."""
    key = api.key(system.account(dialect=dialect))
    (test_directory / "schemathesis.toml").write_text("")
    command = [str(pathlib.Path(sys.executable).parent / "schemathesis"),
               "run", f"{api.url}/openapi.json?dialect={dialect}", "--url", api.url, "--header", f"Authorization: Bearer {key}",
               "--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--max-examples", "10", "--seed", "1",
               paths, "^/v1/(auth|console)", "--generation-database", "none", "--no-color"]
    done = subprocess.run(command, cwd=test_directory, capture_output=True, text=True, timeout=280,
                          env=os.environ | {"NO_PROXY": "*"}, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
