"""What the rules and the dashboard query: does it parse, does it exist, does it succeed.

Usage: expressions.py names SCRAPE RULES DASHBOARD     every metric they name is in the scrape
       expressions.py rules DASHBOARD                  the dashboard's expressions as a rules file, for promtool
       expressions.py run PROMETHEUS_URL DASHBOARD     each of them succeeds in a running Prometheus
"""

import json
import re
import sys
import urllib.parse
import urllib.request

METRIC = re.compile(r"\b(?:roster|process)_[a-z0-9_]+\b")
VARIABLES = {"$__rate_interval": "5m", "$instance": ".*", "$platform": ".*"}


def dashboard(path):
    with open(path) as file:
        return json.load(file)


def expressions(board):
    """Every panel's expressions, with Grafana's variables filled in."""
    found = []
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            assert target["datasource"]["uid"] == "${datasource}", f"{panel['title']} queries a source of its own"
            expression = target["expr"]
            for name, value in VARIABLES.items():
                expression = expression.replace(name, value)
            assert "$" not in expression, f"{panel['title']} uses an unknown variable: {expression}"
            found.append((panel["title"], expression))
    assert len(found) > 20, f"{len(found)} expressions are not all of them"
    return found


def names(scrape, rules, path):
    with open(scrape) as file:
        reported = {re.split(r"[{ ]", line)[0] for line in file if not line.startswith("#")}
    with open(rules) as file:
        wanted = set(METRIC.findall(file.read()))
    board = dashboard(path)
    for _, expression in expressions(board):
        wanted.update(METRIC.findall(expression))
    for variable in board["templating"]["list"]:
        wanted.update(METRIC.findall(variable.get("definition", "")))
    assert len(wanted) > 30, f"{len(wanted)} names are not all of them"
    assert not wanted - reported, f"no scrape reports {sorted(wanted - reported)}"
    print(f"{len(wanted)} names, all reported")


def as_rules(path):
    rules = [{"record": f"panel:{number}", "expr": wanted} for number, (_, wanted) in enumerate(expressions(dashboard(path)))]
    # JSON is YAML too.
    print(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))


def run(prometheus, path):
    for title, expression in expressions(dashboard(path)):
        query = urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(f"{prometheus}/api/v1/query?{query}", timeout=20) as response:
            assert json.load(response)["status"] == "success", f"{title}: {expression}"
    print("every query succeeds")


{"names": names, "rules": as_rules, "run": run}[sys.argv[1]](*sys.argv[2:])
