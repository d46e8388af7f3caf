"""The service keeps what its description says, whatever is sent (schemathesis)."""

import warnings

import pytest
from hypothesis import HealthCheck, Phase, given, settings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import schemathesis

from dfdetect.verdict import schema

FEW = settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def described(client):
    return client.get("/openapi.json").json()


def test_the_verdict_is_described_as_in_its_committed_schema(described):
    fields = described["components"]["schemas"]["Verdict"]["properties"]
    assert set(fields) == set(schema()["$defs"]["Verdict"]["properties"])
    answers = described["paths"]["/v1/analyze"]["post"]["responses"]
    assert answers["200"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Verdict"}
    assert set(answers) == {"200", "400", "403", "408", "413", "422", "429", "500"}


def test_all_references_lead_somewhere(described):
    text, names = str(described), described["components"]["schemas"]
    wanted = {part.split("'")[0] for part in text.split("#/components/schemas/")[1:]}
    assert wanted <= set(names)
    assert "HTTPValidationError" not in text


def test_answers_keep_the_description_whatever_is_sent(client, described):
    asked = set()
    for found in schemathesis.openapi.from_dict(described).get_all_operations():
        operation = found.ok()

        @settings(FEW)
        @given(case=operation.as_strategy())
        def ask(case):
            how = case.as_transport_kwargs(base_url="http://127.0.0.1")
            how.pop("cookies", None)
            answer = client.request(**how)
            asked.add((case.method, case.path, answer.status_code))
            answer.request.read()
            case.validate_response(answer)

        ask()
    assert len({path for _, path, _ in asked}) == len(described["paths"])
    assert ("POST", "/v1/analyze", 200) in asked
