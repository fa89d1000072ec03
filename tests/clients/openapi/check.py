"""docs/openapi.yaml is valid OpenAPI, and says of faults what service/gateway/fault.def says.

usage: check.py [FILE EXISTING NEW]; writes there the document of a gateway that asks for no token, with an example of
certificates that there are."""
import json
import os
import re
import sys

import openapi_spec_validator
import yaml

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")


def read(*path):
    with open(os.path.join(SOURCE, *path), encoding="utf-8") as file:
        return file.read()


document = yaml.safe_load(read("docs", "openapi.yaml"))
openapi_spec_validator.validate(document)
faults = {name: status for name, status in re.findall(r"^FAULT\((\w+), (\d+), ", read("service", "gateway", "fault.def"),
                                                      re.MULTILINE)}
if not faults or list(faults) != document["components"]["schemas"]["Error"]["properties"]["ErrorCode"]["enum"]:
    sys.exit("the document's ErrorCodes are not those of fault.def")
responses = document["paths"]["/Enrollment/PFX/Replace"]["post"]["responses"]
described = {name: status for status, response in responses.items()
             for name in re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b|\b(?:INTERNAL|FORBIDDEN|UNAUTHENTICATED|UNAVAILABLE|STOPPING)\b",
                                    response.get("description", "METHOD_NOT_ALLOWED"))}
if described != faults:
    sys.exit(f"the responses name other codes than fault.def: {set(described.items()) ^ set(faults.items())}")
if len(sys.argv) > 1:
    del document["security"], document["components"]["securitySchemes"]
    content = document["paths"]["/Enrollment/PFX/Replace"]["post"]["requestBody"]["content"]["application/json"]
    content["example"] |= {"ExistingCertificateId": int(sys.argv[2]), "CertificateId": int(sys.argv[3])}
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump(document, file)
