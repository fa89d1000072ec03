"""The schema files: each whole by itself, the same named type the same everywhere, a doc for every field, and the
fields that the contract lists, in its order. Contract types: x? is union null,x with default null; a|b a union."""
import glob
import json
import os

NAMESPACE = "io.certswap.v1"
PRIMITIVES = {"null", "boolean", "int", "long", "float", "double", "bytes", "string"}

CREDENTIAL = "credential Credential|SealedCredential"
SEALED = "recipient string, cms bytes"
EVENT = "eventId uuid, occurredAt ts, certificateId int, requestId int, requester string, "
CONTRACT = {
    "CertificateEnrolled": EVENT + "certificateFormat string, thumbprint string, " + CREDENTIAL,
    "CertificateRenewed": EVENT + "thumbprint string, " + CREDENTIAL + ", renewedCertificateId int",
    "StoreInventory": "storeId uuid, storeType StoreType, containerId int?, clientMachine string, "
                      "storePath string, approved boolean, agent Agent?, entries array<StoreEntry>, "
                      "inventoriedAt ts",
    "StoreType": "shortName string, format CredentialFormat, pkcs12Profile Pkcs12Profile=MODERN, "
                 "entryPasswordRequired boolean, privateKey PrivateKeyPolicy, addSupported boolean",
    "Agent": "agentId uuid, certificate bytes?",
    "StoreEntry": "alias string, certificateId int, thumbprint string, chainLevel int, hasPrivateKey boolean",
    "ReplaceCommand": "commandId uuid, existingCertificateId int, certificateId int?, requestId int?, "
                      "password null|string|SealedPassword, jobTime string?, principal Principal, "
                      "authorization string?, storeIds array<uuid>?, dryRun boolean=false, issuedAt ts",
    "Principal": "user string, permissions array<string>",
    "StoreJob": "jobId uuid, commandId uuid, storeId uuid, agentId uuid, storeType string, "
                "clientMachine string, storePath string, containerId int?, alias string, overwrite boolean, "
                "existingCertificateId int, existingThumbprint string, certificateId int, thumbprint string, "
                + CREDENTIAL + ", scheduledAt ts?, requestedBy string, createdAt ts",
    "ReplaceResult": "resultId uuid, commandId uuid, status ReplaceStatus, successfulStores array<uuid>, "
                     "failedStores array<uuid>, failures array<StoreFailure>, rejection Rejection?, "
                     "existingCertificateId int, certificateId int?, requestId int?, jobCount int, "
                     "scheduledAt ts?, dryRun boolean, requestedBy string, completedAt ts",
    "StoreFailure": "storeId uuid, code string, message string, retryable boolean",
    "Rejection": "code string, message string",
    "Credential": "format CredentialFormat, content bytes, password string?",
    "SealedCredential": SEALED,
    "SealedPassword": SEALED,
}
ENUMS = {
    "CredentialFormat": ["PKCS12", "PEM"],
    "Pkcs12Profile": ["MODERN", "LEGACY"],
    "PrivateKeyPolicy": ["FORBIDDEN", "OPTIONAL", "REQUIRED"],
    "ReplaceStatus": ["COMPLETED", "PARTIAL", "FAILED", "NO_LOCATIONS", "REJECTED"],
}
FILES = {
    "certificate-enrolled.avsc": "CertificateEnrolled",
    "certificate-renewed.avsc": "CertificateRenewed",
    "store-inventory.avsc": "StoreInventory",
    "replace-command.avsc": "ReplaceCommand",
    "store-job.avsc": "StoreJob",
    "replace-result.avsc": "ReplaceResult",
    "credential.avsc": "Credential",
    "sealed-credential.avsc": "SealedCredential",
    "sealed-password.avsc": "SealedPassword",
}


def short_name(name):
    return name[len(NAMESPACE) + 1:] if name.startswith(NAMESPACE + ".") else name


def named_types(schema, types=None):
    """Every named type that a schema defines: name -> definition. A second definition is a KeyError."""
    types = {} if types is None else types
    if isinstance(schema, list):
        for branch in schema:
            named_types(branch, types)
    elif isinstance(schema, dict):
        kind = schema["type"]
        if kind in ("record", "enum", "fixed"):
            name = short_name(schema["name"])
            if name in types:
                raise KeyError(f"{name} is defined twice")
            types[name] = schema
            for field in schema.get("fields", []):
                named_types(field["type"], types)
        elif kind == "array":
            named_types(schema["items"], types)
        elif isinstance(kind, (dict, list)):
            named_types(kind, types)
    return types


def notation(schema):
    """A type in the contract's short notation."""
    if isinstance(schema, str):
        return short_name(schema)
    if isinstance(schema, list):
        branches = [notation(branch) for branch in schema]
        if len(branches) == 2 and branches[0] == "null":
            return branches[1] + "?"
        return "|".join(branches)
    if schema.get("logicalType") == "uuid":
        return "uuid" if schema["type"] == "string" else "?"
    if schema.get("logicalType") == "timestamp-millis":
        return "ts" if schema["type"] == "long" else "?"
    if schema["type"] in ("record", "enum", "fixed"):
        return short_name(schema["name"])
    if schema["type"] == "array":
        return f"array<{notation(schema['items'])}>"
    return notation(schema["type"])


def expanded(definition, types):
    """The definition with every reference to a named type of ours replaced by that type's name alone, so that it
    does not matter which file defines a type in place and which refers to it."""
    if definition["type"] == "enum":
        return definition
    fields = [dict(field, type=notation(field["type"])) for field in definition["fields"]]
    return dict(definition, fields=fields)


def field_faults(where, definition):
    faults = []
    for field in definition.get("fields", []):
        if not field.get("doc", "").strip():
            faults.append(f"{where}: field {field['name']} has no doc")
        nullable = isinstance(field["type"], list) and field["type"][0] == "null"
        if nullable and field.get("default", "absent") is not None:
            faults.append(f"{where}: field {field['name']} may be null and has no default null")
    return faults


def contract_faults(where, name, definition):
    if definition["type"] == "enum":
        if definition["symbols"] != ENUMS.get(name):
            return [f"{where}: symbols {definition['symbols']}, the contract has {ENUMS.get(name)}"]
        return []
    written = []
    for field in definition["fields"]:
        default = field.get("default")
        suffix = "" if default is None else "=" + (default if isinstance(default, str) else json.dumps(default))
        written.append(f"{field['name']} {notation(field['type'])}{suffix}")
    wanted = CONTRACT.get(name, "").split(", ")
    return [f"{where}: has '{a}', the contract '{b}'"
            for a, b in zip(written + ["nothing"] * len(wanted), wanted + ["nothing"] * len(written)) if a != b]


def reference_faults(where, schema, defined):
    """Names that are used before, or without, being defined in this file."""
    if isinstance(schema, str):
        known = schema in PRIMITIVES or short_name(schema) in defined
        return [] if known else [f"{where}: {schema} is not defined in this file"]
    if isinstance(schema, list):
        return [fault for branch in schema for fault in reference_faults(where, branch, defined)]
    kind = schema["type"]
    if kind in ("record", "enum"):
        defined.add(short_name(schema["name"]))
        return [fault for field in schema.get("fields", [])
                for fault in reference_faults(where, field["type"], defined)]
    if kind == "array":
        return reference_faults(where, schema["items"], defined)
    return reference_faults(where, kind, defined)


def faults(folder):
    found, first = [], {}
    paths = sorted(glob.glob(os.path.join(folder, "*.avsc")))
    names = {os.path.basename(path) for path in paths}
    found += [f"{name} is missing" for name in FILES if name not in names]
    for path in paths:
        file = os.path.basename(path)
        try:
            with open(path, encoding="utf-8") as stream:
                schema = json.load(stream)
            types = named_types(schema)
        except (ValueError, KeyError, TypeError) as error:
            found.append(f"{file}: {error}")
            continue
        if schema.get("namespace") != NAMESPACE or schema.get("name") != FILES.get(file):
            found.append(f"{file}: is to define {NAMESPACE}.{FILES.get(file)}")
        found += reference_faults(file, schema, set())
        for name, definition in types.items():
            where = f"{file}: {name}"
            if not definition.get("doc", "").strip():
                found.append(f"{where} has no doc")
            found += field_faults(where, definition)
            found += contract_faults(where, name, definition)
            common = {key: value for key, value in expanded(definition, types).items() if key != "namespace"}
            if first.setdefault(name, (file, common))[1] != common:
                found.append(f"{where} differs from the one in {first[name][0]}")
    return found
