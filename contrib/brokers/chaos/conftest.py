"""Bears with a client that is cut; prints what each combination of killers has cost."""

from brokers.kafka_warnings import bear_with_kafka


def pytest_configure(config):
    """Kafka is killed and cut here, too."""
    bear_with_kafka(config)


def pytest_terminal_summary(terminalreporter):
    """One line for each that ran."""
    rows = []
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            properties = dict(report.user_properties)
            words = [properties[key] for key in ("told", "late") if key in properties]
            told = "; ".join(map(str, words))
            if told or (outcome == "failed" and "are_dead" in report.nodeid):
                cell = report.nodeid.rpartition("[")[2].rstrip("]")
                rows.append((cell, outcome, told or "see above"))
    if rows:
        terminalreporter.section("bus-killers-slots-attempts-prefetch")
    for cell, outcome, told in sorted(rows):
        terminalreporter.line(f"{cell:32}{outcome:8}{told}")
