/*
 * A hint for every way in which a rule can stand in the way.  An answer that did not come is
 * explained by its cause; else by the rule.
 */
#include "wire/body_of.h"

static const char *
cause_hint(enum mus_cause c)
{
	switch (c) {
	case MUS_CAUSE_NONE:
		return "nothing to do: it is asked in the next round; \"zone check\" asks now";
	case MUS_CAUSE_TIMEOUT:
		return "look whether the server runs and whether UDP and TCP port 53 of it are open from "
		       "the controller";
	case MUS_CAUSE_NET:
		return "look at the address of the server and at the route to it (IPv6 too)";
	case MUS_CAUSE_REFUSED:
		return "look whether the server has the zone and allows questions from the controller";
	case MUS_CAUSE_SERVFAIL:
		return "look into the log of that server: it has the zone but cannot serve it (expired, "
		       "not loaded, not signed)";
	case MUS_CAUSE_NXDOMAIN:
		return "the server does not have the zone: look at its configuration, and at the spelling "
		       "of the zone here";
	case MUS_CAUSE_NOTAUTH:
		return "the server is no authoritative server of the zone, or the name server's address "
		       "is wrong";
	case MUS_CAUSE_RCODE:
		return "look into the log of that server";
	case MUS_CAUSE_MALFORM:
		return "something that is no DNS server answers there, or something between changes the "
		       "answers";
	case MUS_CAUSE_TRUNCATED:
		return "the server does not answer in full over TCP: look at its TCP settings and at the "
		       "firewall";
	case MUS_CAUSE_BOGUS:
		return "the zone is not served with valid signatures there: look at the signer, its clock "
		       "and its keys";
	case MUS_CAUSE_UNPROVED:
		return "the server's negative answers are not proved: look at its NSEC or NSEC3 settings";
	case MUS_CAUSE_TSIG:
		return "look whether key name, algorithm and secret are the same on both sides, and at both "
		       "clocks";
	case MUS_CAUSE_OVERFLOW:
		return "the records change faster than caches forget: find who changes them; it clears by "
		       "itself when they rest";
	case MUS_CAUSE_LOCAL:
		return "the controller has more to ask than it may: raise its rate limits or wait";
	case MUS_CAUSE_NOROOM:
		return "give the signers of the zone fewer name servers, or fewer addresses";
	case MUS_CAUSE_NOPLACE:
		return "nothing to do when one has left: its place is free when no cache holds anything of it "
		       "any more; else let one leave";
	case MUS_CAUSE_LOOKING:
		return "nothing to do: the zone goes on when the answer is there";
	case MUS_CAUSE_NOLOOKUP:
		return "look whether the name resolves from the controller's host (dig NAME A, NAME AAAA); where "
		       "nothing can resolve there, give all addresses and set resolver.check-addresses to no";
	case MUS_CAUSE_NOADDR:
		return "look at the spelling of the name server; or give it its addresses";
	case MUS_CAUSE_UNASKED:
		return "give the name to the signer whose copy its server has (signer update --ns, zone update "
		       "--signer-ns); or take it out of the NS sets and the delegation by hand, and keep its server "
		       "served until caches have forgotten it";
	case MUS_CAUSE_ADDRESS:
		return "compare the addresses of the name server in DNS (of one in the zone: at every signer, and in "
		       "the delegation) with those given here: give all of them (signer update --ns, zone update "
		       "--signer-ns), or take the wrong one out where it stands";
	case MUS_CAUSE_COUNT:
		break;
	}
	return "look into the log of that server";
}

static const char *
rule_hint(enum mus_rule r)
{
	switch (r) {
	case MUS_RULE_NONE:
		return "nothing to do";
	case MUS_RULE_V1:
	case MUS_RULE_V2:
	case MUS_RULE_V3:
	case MUS_RULE_V3S:
	case MUS_RULE_V14:
		return "a resolver may fail to validate: compare DS and DNSKEY sets at the servers named, "
		       "and bring back what was removed last";
	case MUS_RULE_V2C:
		return "the parent would not accept CDS: have them signed by a key that the DS set names";
	case MUS_RULE_V4:
		return "signatures run out or are not valid yet: look whether the signer still signs, and at "
		       "its clock";
	case MUS_RULE_V5:
		return "the parent has no usable DS set: look at the delegation in the parent zone";
	case MUS_RULE_V6:
		return "look whether that server runs, has the zone, and answers over UDP and TCP";
	case MUS_RULE_V7:
		return "a signer lacks the others' keys: look what became of the changes (zone history), and what it "
		       "takes: \"signer probe\", on a zone for which no process runs";
	case MUS_RULE_V8:
		return "the signers show different sets: someone else writes there, or a change was lost";
	case MUS_RULE_V9:
		return "delegation and zone differ: the parent has not followed yet, or does not follow CDS "
		       "and CSYNC";
	case MUS_RULE_V10:
		return "tell the controller whose it is: among the name servers of the signer (signer update --ns), or "
		       "for this zone alone (zone update --signer-ns); a server that serves the copies of several "
		       "signers is a signer of its own with driver secondary";
	case MUS_RULE_V11:
		return "let one of the two signers make a new key";
	case MUS_RULE_V12:
		return "look at the signer's NSEC or NSEC3 settings";
	case MUS_RULE_V13:
		return "the signers do not serve the same content: look whether both get it from the same "
		       "primary, and at the serials";
	case MUS_RULE_G0:
	case MUS_RULE_G1:
	case MUS_RULE_G2:
	case MUS_RULE_G3:
	case MUS_RULE_G4:
	case MUS_RULE_G5:
	case MUS_RULE_G6:
	case MUS_RULE_G7:
	case MUS_RULE_G8:
	case MUS_RULE_G9:
		return "nothing to do when a time is given: the guard opens when old records have left the "
		       "caches";
	case MUS_RULE_OBSERVE:
		return "nothing to do when all servers answer: they are asked again in the next round";
	case MUS_RULE_HISTORY:
		return "nothing to do: the controller has not watched for long enough yet";
	case MUS_RULE_SERVES:
		return "look whether the signer has the zone and whether its name servers are right here";
	case MUS_RULE_SIGNED:
		return "let the signer sign the zone with keys of its own";
	case MUS_RULE_ALGS:
		return "all signers must use the same algorithms: change the new signer's policy";
	case MUS_RULE_TTLMAX:
		return "allow transfers to the controller, or declare the largest TTL (signer update "
		       "--max-ttl)";
	case MUS_RULE_CAPS:
		return "let the signer accept these records from the controller's key; it is tried again by itself "
		       "when nothing else is missing, and at once with \"signer probe\" on this zone, or after "
		       "\"signer update\", which forgets what the last probe found";
	case MUS_RULE_NSNAMES:
		return "give the signer its name servers, in the signer or for this zone";
	case MUS_RULE_SAMPLE:
		return "look at the spelling of the sample, and take a name of the zone itself with an address: zone "
		       "update --sample NAME (relative to the zone)";
	case MUS_RULE_GLUEADDR:
		return "put the same address records into the zone on all signers";
	case MUS_RULE_KEYTTL:
		return "set the same DNSKEY TTL at all signers";
	case MUS_RULE_DIGESTS:
		return "set the same digest types for CDS at all signers, or switch their own CDS off; else a parent "
		       "that looks while a SEP key rolls can leave out resolvers that mind the strongest type only";
	case MUS_RULE_PREFLIGHT:
		return "\"zone preflight\" lists what the signer lacks; put that right";
	case MUS_RULE_LASTONE:
		return "join another signer first";
	case MUS_RULE_NEWKEY:
	case MUS_RULE_WITHDRAWN:
		return "the others' DNSKEY sets follow by changes; look whether they are accepted (signer probe)";
	case MUS_RULE_NEWSIGNS:
	case MUS_RULE_NEWUSED:
	case MUS_RULE_OLDUNUSED:
	case MUS_RULE_OLDGONE:
		return "nothing to do: the signer goes on by its own timetable, or when it is told to";
	case MUS_RULE_IMPORT:
	case MUS_RULE_SIGNAL:
	case MUS_RULE_NSSET:
	case MUS_RULE_CSYNCSET:
		return "nothing to do when it has just been sent; else look whether the signer accepts the "
		       "controller's changes (signer probe, zone history)";
	case MUS_RULE_PARENTDS:
		return "the parent has to follow CDS; where it does not scan, enter by hand the records that "
		       "\"zone status\" lists";
	case MUS_RULE_PARENTNS:
		return "the parent has to follow CSYNC; where it does not scan, change the delegation there by hand, "
		       "as \"zone status\" lists it";
	case MUS_RULE_DSWAIT:
	case MUS_RULE_KEYWAIT:
	case MUS_RULE_NSWAIT:
	case MUS_RULE_DATAWAIT:
		return "nothing to do: it ends by itself at the time given; where none is given yet, every server has "
		       "to show the new set first";
	case MUS_RULE_REACH:
		return "nothing to do when the leaver has taken its names out of its own NS set: it ends when no NS "
		       "set that a server gives out, or a cache may hold, leads there";
	case MUS_RULE_QUEUE:
		return "nothing to do when the signer is well: its changes go by themselves; \"signer show\" says "
		       "how many wait and why";
	case MUS_RULE_HELD:
		return "\"zone resume\" when it may go on";
	case MUS_RULE_PROBE:
		return "nothing to do: it ends when no server shows what the probe wrote";
	case MUS_RULE_MANUAL:
		return "\"zone plan\" shows the next step, \"zone step\" takes it";
	case MUS_RULE_PARTIAL:
		return "nothing to do: the zone is being looked at for the first time";
	case MUS_RULE_STORE:
		return "make room on the disk that the database lies on, or see why it takes no changes; the zone "
		       "goes on by itself then";
	case MUS_RULE_COUNT:
		break;
	}
	return "nothing known; see the history of the zone";
}

const char *
mus_body_copy_hint(int err)
{
	switch (err) {
	case MUS_ERR_BADSIG:
		return cause_hint(MUS_CAUSE_TSIG);
	case MUS_ERR_TIMEOUT:
	case MUS_ERR_NET:
		return "look whether the signer runs, and whether TCP to the address that its copy is read from "
		       "(--update) is open from the controller";
	case MUS_ERR_REFUSED:
		return "look whether the signer has the zone and allows its transfer (AXFR) to the controller's key; "
		       "a wrong key may look the same";
	case MUS_ERR_MALFORM:
	case MUS_ERR_TOOBIG:
		return "look into the log of that server: its transfer cannot be read to the end";
	case MUS_ERR_NOMEM:
	case MUS_ERR_FULL:
		return "the controller has no room for it now: it is tried again";
	default:
		return "look at what the cause names: the key file must be there, and readable for the controller "
		       "alone";
	}
}

const char *
mus_body_unread_hint(enum mus_body_unread why, enum mus_rule rule)
{
	bool is_content = rule == MUS_RULE_V13;

	if (why == MUS_BODY_NO_ADDRESS)
		return is_content ? "give the address that its copy is read from (signer update --update), or vouch "
				    "for equal content (signer update --declared-content)"
				  : "give the address that its copy is read from (signer update --update), or declare "
				    "the largest TTL (signer update --max-ttl)";
	return is_content ? "vouch for equal content (signer update --declared-content), or let the copy be read "
			    "(signer update --transfer)"
			  : "declare the largest TTL (signer update --max-ttl), or let the copy be read (signer update "
			    "--transfer)";
}

const char *
mus_body_hint(const struct mus_witness *w)
{
	if (w->cause == MUS_CAUSE_NOLOOKUP && w->origin == MUS_PARENT)
		return "look whether the parent zone and its DNSKEY resolve from the controller's host, from the root "
		       "and with DNSSEC; or give the zone its parent; where nothing can resolve there, with all "
		       "addresses of it, and set resolver.check-addresses to no";
	if (w->cause == MUS_CAUSE_NOADDR && w->origin == MUS_PARENT)
		return "the parent has to give that name server its addresses, or to list it no more; or give the "
		       "zone its parent with the addresses of it that no look-up finds (zone update --parent-address)";
	if (w->rule == MUS_RULE_SERVES && w->result == MUS_RES_WARN)
		return "nothing to do when it is to come back: \"signer join\" takes the mark away";
	if (w->rule == MUS_RULE_SERVES && w->result == MUS_RES_FAILS && w->origin != MUS_NOBODY &&
	    w->server == MUS_NOBODY)
		return "take the join back (\"signer leave\", or \"zone abort\" in this zone); or, when its servers "
		       "are there again, \"signer join\" takes the mark away";
	if (w->rule == MUS_RULE_V13 && w->result == MUS_RES_UNKNOWN)
		return "nothing to do while the copy is being read; where the signer allows no transfer, declare equal "
		       "content (signer update --declared-content)";
	if (w->result == MUS_RES_UNKNOWN && w->cause < MUS_CAUSE_COUNT)
		return cause_hint((enum mus_cause)w->cause);
	if (w->rule == MUS_RULE_V12 && w->number > 0)
		return "set the signer's NSEC3 iterations to 0 (RFC 9276), at best with no salt; it counts when all "
		       "its servers answer so";
	if (w->lags && (w->rule == MUS_RULE_PARENTDS || w->rule == MUS_RULE_PARENTNS || w->rule == MUS_RULE_V9))
		return "the parent has followed, but not at that server: nothing is to be entered; whoever runs the "
		       "parent's servers has to look why this one lags (its zone transfers)";
	if (w->rule == MUS_RULE_REACH && w->kind == MUS_RR_PNS)
		return "have the zone taken off that server, or let it take its copy from a signer that stays";
	if (w->rule == MUS_RULE_REACH && w->kind == MUS_RR_KEY)
		return "point that provider to a signer that stays, and see that it takes a new copy: the leave "
		       "goes on when its servers show it";
	return rule_hint(w->rule);
}

const char *
mus_body_wait_hint(const struct mus_witness *w)
{
	if (w->result != MUS_RES_FAILS || (w->rule != MUS_RULE_V1 && w->rule != MUS_RULE_V2 && w->rule != MUS_RULE_V3 &&
					      w->rule != MUS_RULE_V14))
		return NULL;
	/* It speaks of what would be: the guard, or what is to stand when one has left. */
	return mus_time_is_set(w->until)
	    ? "nothing to do: a resolver might fail to validate after the next step, so it is not taken before "
	      "that time"
	    : "the next step is not taken, since a resolver might fail to validate after it: look which keys the "
	      "two lack of each other, and what became of the changes (zone history); \"zone abort\" turns the "
	      "process round";
}
