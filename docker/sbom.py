#!/usr/bin/env python3
"""sbom.py ARCHIVE: prints what is in an image as SPDX 2.3 in JSON, by the image's own records: dpkg's list of installed
packages, and their licences where the copyright file is machine-readable (DEP-5). What is not known is NOASSERTION."""
import hashlib
import json
import os
import re
import sys
import urllib.parse
import uuid

from archive import Archive

NOT_KNOWN = "NOASSERTION"
# Debian's short names that SPDX calls otherwise; those of the GNU licences follow a rule.
SPDX_NAMES = {name.lower(): spdx for name, spdx in {
    "Apache-2.0": "Apache-2.0", "Artistic": "Artistic-1.0-Perl", "Artistic-2.0": "Artistic-2.0",
    "BSD-2-clause": "BSD-2-Clause", "BSD-3-clause": "BSD-3-Clause", "BSL-1.0": "BSL-1.0", "CC0-1.0": "CC0-1.0",
    "curl": "curl", "Expat": "MIT", "ISC": "ISC", "MPL-2.0": "MPL-2.0", "Unicode-DFS-2016": "Unicode-DFS-2016",
    "X11": "X11", "Zlib": "Zlib"}.items()}
GNU = re.compile(r"(A?GPL|LGPL|GFDL)-(\d)(?:\.(\d))?(?:\.0)?(\+?)", re.IGNORECASE)
SPDX_GNU = re.compile(r"(A?GPL|LGPL|GFDL)-\d\.\d-(only|or-later)")


def stanzas(text):
    """The fields of each stanza of a Debian control file; lines that go on begin with a space."""
    for stanza in re.split(r"\n\s*\n", text.strip()):
        fields, name = {}, None
        for line in stanza.splitlines():
            if line[:1] in (" ", "\t"):
                if name:
                    fields[name] += "\n" + line[1:]
            elif ":" in line:
                name, value = line.split(":", 1)
                fields[name] = value.strip()
        yield fields


class Licences:
    """The licences of one copyright file as an SPDX expression; `texts` of those that are not on SPDX' list."""

    def __init__(self, package, copyright_file):
        self.texts, self._package = {}, package
        found = list(stanzas(copyright_file))
        self._own = {}
        if not re.match(r"https?://www\.debian\.org/doc/packaging-manuals/copyright-format/", found[0].get("Format", "")):
            self.expression = NOT_KNOWN
            return
        used = set()
        for fields in found:
            name, _, text = fields.get("License", "").partition("\n")
            if text.strip():
                self._own.setdefault(name.strip(), text)
            if "Files" in fields and name.strip():
                used.add(name.strip())
        parts = sorted({part for name in used for part in self._parts(name)})
        self.expression = " AND ".join(parts) or NOT_KNOWN

    def _parts(self, text):
        """The expressions that hold together. In "A or B and C" "and" binds tighter, as in SPDX; what has commas or
        exceptions stays one licence."""
        if re.search(r",|\swith\s|and/or", text, re.IGNORECASE):
            return [self._one(text)]
        choices = [[self._one(name.strip()) for name in re.split(r"\s+and\s+", choice)]
                   for choice in re.split(r"\s+or\s+", text)]
        return choices[0] if len(choices) == 1 else [f"({' OR '.join(map(' AND '.join, choices))})"]

    def _one(self, name):
        if name.lower() in SPDX_NAMES:
            return SPDX_NAMES[name.lower()]
        if SPDX_GNU.fullmatch(name):
            return name
        gnu = GNU.fullmatch(name)
        if gnu:
            return f"{gnu[1].upper()}-{gnu[2]}.{gnu[3] or 0}-{'or-later' if gnu[4] else 'only'}"
        reference = f"LicenseRef-{identifier(self._package)}-{identifier(name)}"
        self.texts[reference] = (name, self._own.get(name) or f"{name}: see /usr/share/doc/{self._package}/copyright")
        return reference


def identifier(text):
    """As SPDX takes it: letters, digits, points and hyphens."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", text.replace("+", "-plus")).strip("-")


def installed(status):
    """(name, version, architecture, source, source's version) of each package that dpkg has unpacked and set up."""
    for fields in stanzas(status):
        if fields.get("Status") == "install ok installed":
            source, _, version = fields.get("Source", fields["Package"]).partition(" ")
            yield (fields["Package"], fields["Version"], fields["Architecture"], source,
                   version.strip("()") or fields["Version"])


def purl(name, version, architecture, source, source_version, debian):
    def quoted(text):
        return urllib.parse.quote(text, safe="")
    upstream = f"&upstream={quoted(f'{source}@{source_version}')}" if source != name else ""
    return f"pkg:deb/debian/{quoted(name)}@{quoted(version)}?arch={architecture}&distro=debian-{debian}{upstream}"


def describe(archive):
    labels = {name.rpartition(".")[2]: value for name, value in archive.config["config"]["Labels"].items()}
    files = {path: content.decode(errors="replace") for path, content in archive.files(
        lambda path: path in ("var/lib/dpkg/status", "usr/lib/os-release")
        or re.fullmatch(r"usr/share/doc/[^/]+/copyright", path)).items()}
    debian = re.search(r'^VERSION_ID="?([0-9.]+)', files["usr/lib/os-release"], re.MULTILINE)[1]
    identity = hashlib.sha256(json.dumps(archive.config, sort_keys=True).encode()).hexdigest()
    packages = [{
        "SPDXID": "SPDXRef-Image", "name": f"{labels['title']}-image", "versionInfo": labels["version"],
        "supplier": f"Organization: {labels['title']}", "downloadLocation": NOT_KNOWN, "filesAnalyzed": False,
        "licenseConcluded": NOT_KNOWN, "licenseDeclared": NOT_KNOWN, "copyrightText": NOT_KNOWN,
        "primaryPackagePurpose": "CONTAINER"}]
    texts, all_installed = {}, list(installed(files["var/lib/dpkg/status"]))
    # Packages of one source often share the copyright file of one of them.
    by_source = {}
    for name, _, _, source, _ in all_installed:
        if f"usr/share/doc/{name}/copyright" in files:
            by_source.setdefault(source, name)
    for name, version, architecture, source, source_version in all_installed:
        ours = name == labels["title"]
        owner = name if f"usr/share/doc/{name}/copyright" in files else by_source.get(source)
        declared = labels["licenses"] if ours else NOT_KNOWN
        if owner and not ours:
            licences = Licences(owner, files[f"usr/share/doc/{owner}/copyright"])
            declared = licences.expression
            texts |= licences.texts
        locator = (f"pkg:generic/{name}@{version}" if ours else
                   purl(name, version, architecture, source, source_version, debian))
        packages.append({
            "SPDXID": f"SPDXRef-Package-{identifier(name)}", "name": name, "versionInfo": version,
            "supplier": f"Organization: {name if ours else 'Debian'}", "downloadLocation": NOT_KNOWN,
            "filesAnalyzed": False, "sourceInfo": f"built from {source} {source_version}",
            "licenseConcluded": NOT_KNOWN, "licenseDeclared": declared, "copyrightText": NOT_KNOWN,
            "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                              "referenceLocator": locator}]})
    image, *contained = (package["SPDXID"] for package in packages)
    return {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"{labels['title']}-{labels['version']}",
        "documentNamespace": f"https://spdx.org/spdxdocs/{labels['title']}-{labels['version']}-"
                             f"{uuid.uuid5(uuid.NAMESPACE_OID, identity)}",
        "creationInfo": {"created": re.sub(r"\.\d+", "", archive.config["created"]),
                         "creators": [f"Tool: {labels['title']}-{os.path.basename(__file__)}-{labels['version']}"]},
        "packages": packages,
        "hasExtractedLicensingInfos": [{"licenseId": reference, "name": name, "extractedText": text}
                                       for reference, (name, text) in sorted(texts.items())],
        "relationships": [
            {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": image},
            *({"spdxElementId": image, "relationshipType": "CONTAINS", "relatedSpdxElement": one}
              for one in contained)],
    }


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: sbom.py ARCHIVE")
    with Archive(sys.argv[1]) as asked_for:
        json.dump(describe(asked_for), sys.stdout, indent=1)
    print()
