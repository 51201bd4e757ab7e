"""One readable table of what every server says about a zone."""
import dns.dnssec
import dns.name
import dns.rcode
import dns.rdatatype


def table(rows):
    """Left-aligned columns."""
    width = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(r, width)).rstrip() for r in rows)


def owners(lab, zone):
    """{DNSKEY rdata: 'knot ZSK'} by the signatures that each signer serves."""
    out = {}
    for s in lab.state["zones"][zone]["signers"]:
        try:
            ksk, zsk, _ = lab.dnskeys(s, zone)
        except Exception:       # a signer that is down owns nothing we can show
            continue
        for k in set(ksk) | set(zsk):
            role = "CSK" if k in ksk and k in zsk else "KSK" if k in ksk else "ZSK"
            out[k] = f"{s} {role}"
    return out


def look(lab, zone):
    name = dns.name.from_text(zone)
    z = lab.zone(zone)
    own = owners(lab, zone)
    by_tag = {}
    for k, o in own.items():
        by_tag.setdefault((dns.dnssec.key_id(k), k.algorithm), set()).add(o)

    def tag(t, alg):
        return f"{t} ({' or '.join(sorted(by_tag.get((t, alg), {'?'})))})"

    def get(address, rdtype, sections=("answer",)):
        m = lab.ask(address, zone, rdtype, timeout=0.7)
        if m is None:
            return None, "silent"
        if m.rcode() != dns.rcode.NOERROR:
            return None, dns.rcode.to_text(m.rcode())
        for s in sections:
            for rr in getattr(m, s):
                if rr.name == name and rr.rdtype == dns.rdatatype.from_text(rdtype):
                    return rr, f"ttl {rr.ttl}"
        return None, "none"

    rows = [("server", "record", "ttl", "content")]
    for server in lab.state["parent"]["servers"]:
        for rdtype in ("DS", "NS"):
            rr, text = get(server["addresses"][0], rdtype, ("answer", "authority"))
            content = "" if rr is None else ", ".join(sorted(tag(r.key_tag, r.algorithm) if rdtype == "DS" else r.target.to_text() for r in rr))
            rows.append((server["name"], rdtype, text.replace("ttl ", ""), content))
    for s in z["signers"]:
        for server in lab.state["signers"][s]["servers"]:
            for a in server["addresses"][:1]:
                for rdtype in ("SOA", "NS", "DNSKEY", "CDS", "CDNSKEY", "CSYNC"):
                    rr, text = get(a, rdtype)
                    if rr is None and text == "none" and rdtype == "CSYNC":
                        continue
                    if rr is None:
                        content = ""
                    elif rdtype == "SOA":
                        content = str(rr[0].serial)
                    elif rdtype == "NS":
                        content = ", ".join(sorted(r.target.to_text() for r in rr))
                    elif rdtype in ("DNSKEY", "CDNSKEY"):
                        content = ", ".join(sorted(f"{dns.dnssec.key_id(r)} ({own.get(r, '?') if rdtype == 'DNSKEY' else '/'.join(sorted(by_tag.get((dns.dnssec.key_id(r), r.algorithm), {'?'})))})"
                                                   for r in rr))
                    elif rdtype == "CDS":
                        content = ", ".join(sorted(tag(r.key_tag, r.algorithm) for r in rr))
                    else:
                        content = rr[0].to_text()
                    rows.append((server["name"], rdtype, text.replace("ttl ", ""), content))
    return f"{zone}\n" + table(rows)
