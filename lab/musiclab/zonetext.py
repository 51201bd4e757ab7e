"""Contents of the laboratory's zones."""


def _addresses(name, addresses, ttl):
    return "".join(f"{name} {ttl} {'AAAA' if ':' in a else 'A'} {a}\n" for a in addresses)


def root(ds_net, ds_lab):
    return f""". 3600 SOA a.root-servers.net. hostmaster.lab. 1 1800 900 604800 60
. 3600 NS a.root-servers.net.
net. 3600 NS ns.net.
net. 3600 DS {ds_net}
""" + _addresses("ns.net.", ["10.53.0.2", "fd53::2"], 3600) + f"""lab. 3600 NS a.nic.lab.
lab. 3600 NS b.nic.lab.
""" + parent_ds([ds_lab]) + _addresses("a.nic.lab.", ["10.53.1.1", "fd53:1::1"], 3600) + _addresses("b.nic.lab.", ["10.53.1.2", "fd53:1::2"], 3600)


def parent_ds(texts):
    """The root's DS records for lab.: they live shortly, for that parent rolls its keys too."""
    return "".join(f"lab. 5 DS {t}\n" for t in texts)


def net(signers):
    """The provider names, two for each server; the addresses live long, it is not they that a laboratory moves."""
    text = "net. 3600 SOA ns.net. hostmaster.net. 1 1800 900 604800 60\nnet. 3600 NS ns.net.\n"
    text += _addresses("ns.net.", ["10.53.0.2", "fd53::2"], 3600) + _addresses("a.root-servers.net.", ["10.53.0.1", "fd53::1"], 3600)
    for s in signers:
        for server in s["servers"]:
            text += _addresses(server["name"], server["addresses"], 3600) + _addresses("also-" + server["name"], server["addresses"], 3600)
    return text


def parent():
    """lab.: the negative TTL is short, because 'no DS' is an answer that must be forgotten soon."""
    return """lab. 60 SOA a.nic.lab. hostmaster.lab. 1 2 1 604800 5
lab. 60 NS a.nic.lab.
lab. 60 NS b.nic.lab.
""" + _addresses("a.nic.lab.", ["10.53.1.1", "fd53:1::1"], 60) + _addresses("b.nic.lab.", ["10.53.1.2", "fd53:1::2"], 60)


def hints():
    return ". 3600000 NS a.root-servers.net.\n" + _addresses("a.root-servers.net.", ["10.53.0.1", "fd53::1"], 3600000)


def delv_anchor(key):
    flags, protocol, algorithm, public = key.rdata.to_text().split(None, 3)
    return f'trust-anchors {{ "." static-key {flags} {protocol} {algorithm} "{public}"; }};\n'


def child_ns(zone, signer, inbailiwick):
    """Name servers of one signer for a zone: [{name, addresses}]."""
    if not inbailiwick:
        return signer["servers"]
    return [{"name": f"ns{i}.{signer['name']}.{zone}", "addresses": s["addresses"]} for i, s in enumerate(signer["servers"], 1)]


def child(zone, z):
    """The unsigned content that every signer of a zone loads."""
    t = z["ttl"]
    active = [ns["name"] for s in z["active"] for ns in z["ns"][s]]
    text = f"{zone} {t} SOA {active[0]} hostmaster.{zone} 1 3600 900 604800 {t}\n"
    text += "".join(f"{zone} {t} NS {n}\n" for n in active)
    if z["inbailiwick"]:
        text += "".join(_addresses(ns["name"], ns["addresses"], t) for s in z["signers"] for ns in z["ns"][s])
    return text + f"""{zone} {t} A 192.0.2.1
{zone} {t} AAAA 2001:db8::1
{zone} {t} MX 10 mail.{zone}
{zone} {t} TXT "v=spf1 -all"
www.{zone} {t} A 192.0.2.80
www.{zone} {t} AAAA 2001:db8::80
mail.{zone} {t} A 192.0.2.25
*.w.{zone} {t} A 192.0.2.42
deep.in.the.{zone} {t} TXT "an empty non-terminal is above me"
alias.{zone} {t} CNAME www.{zone}
sub.{zone} {t} NS ns.sub.{zone}
ns.sub.{zone} {t} A 192.0.2.53
"""
