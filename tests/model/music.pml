/*
 * The processes over N signers, a parent and all caches, for spin.  The tables come from src/core/rows.c (rows.pml);
 * here stands what their rules mean, and what signers, parent, operator and time may do, at any moment and in any order:
 * changes are delayed or lost, the operator changes his mind, the parent acts late upon what it read long ago, signer 0
 * rolls its ZSK.
 *
 * Time has no numbers here.  What some cache may still hold is a set for each RRset (alive...); a set that is served no
 * more may leave the caches at any time, and a wait is over when it has.  That the instants musicd computes are never
 * earlier is the simulator's matter (docs/simulator.md).
 *
 * Signers are bits 0..N-1.  Data keys: bit s is signer s's ZSK, bit N signer 0's next one.  A DS, CDS, NS set is a mask of
 * signers; a DNSKEY set a mask of data keys beside the signer's own SEP key.
 *
 * -DN=2|3  -DTOGGLES=n (changes of mind)  -DROLL=0|1  -DGUARD=0|1  -DWAITS=0|1
 */
#ifndef N
#define N 2
#endif
#ifndef TOGGLES
#define TOGGLES 2
#endif
#ifndef ROLL
#define ROLL 1
#endif
#ifndef GUARD
#define GUARD 1
#endif
#ifndef WAITS
#define WAITS 1
#endif
#define NEWKEY (1 << N)
#define ALL ((1 << N) - 1)
#define NONE 0
#define ADD 1
#define REMOVE 2
#define IDLE 255

/* what the operator wants, and the intention of the controller */
byte member = 1, toggles = TOGGLES;
byte keyg = 1, dsg = 1, nsg = 1, proc = NONE, who, row, roll = IDLE;
bool csync, asked;
/* what signers and parent show */
byte key[N], cds[N], ns[N], ds = 1, pns = 1, own0 = 1, signs0 = 1;
bool cs[N];
/* what caches may hold: bit m of an alive set is the set m.  And who may be asked. */
int ds_alive = 2, pns_alive = 2, ns_alive[N], key_alive[N];
byte x_alive = 1, reach = 1;
/* on the way */
bool key_sent[N], cds_sent[N], ns_sent[N], cs_sent[N], cs_to[N];
byte key_add[N], key_del[N], cds_add[N], cds_del[N], ns_add[N], ns_del[N];
bool ds_read, pns_read;
byte ds_next, pns_next;
/* what happened, for the story */
mtype = { ev_send_dnskey, ev_send_cds, ev_send_ns, ev_send_csync, ev_dnskey_changes, ev_cds_changes, ev_ns_changes, ev_csync_changes, ev_operator_changes_his_mind, ev_controller_chooses, ev_controller_steps, ev_controller_mends_the_delegation, ev_parent_reads_cds, ev_parent_publishes_ds, ev_parent_reads_csync, ev_parent_publishes_ns, ev_signer_0_publishes_its_new_key, ev_signer_0_signs_with_its_new_key, ev_signer_0_withdraws_its_old_key };
/* scratch */
hidden byte i, j, enter;
hidden byte ok;

#define HAS(mask, s) (((mask) >> (s)) & 1)
#define OWN(s) ((s) == 0 -> own0 : 1 << (s))
#define SIGNS(s) ((s) == 0 -> signs0 : 1 << (s))
/* Keys of the signers of a mask. */
#if N == 2
#define KEYS(m) ((HAS(m, 0) * own0) | (HAS(m, 1) << 1))
#define EACH(what) (what(0) && what(1))
#else
#define KEYS(m) ((HAS(m, 0) * own0) | (HAS(m, 1) << 1) | (HAS(m, 2) << 2))
#define EACH(what) (what(0) && what(1) && what(2))
#endif

/* ---- the rules (src/core/condition.c) ------------------------------------------------------------------------------ */

#define NS_AT (nsg | (proc == REMOVE -> keyg & (1 << who) : 0))
#define HAS_KEYS(s) (!HAS(keyg, s) || (KEYS(keyg) & ~key[s]) == 0)
#define HAS_CDS(s) (!HAS(keyg & dsg, s) || cds[s] == dsg)
#define HAS_NS(s) (!HAS(NS_AT, s) || ns[s] == nsg)
#define HAS_CSYNC(s) (!HAS(NS_AT, s) || cs[s] == csync)
#define HAS_GONE(s) (!HAS(keyg, s) || (key[s] & ~(KEYS(keyg) | OWN(s) | (HAS(keyg, 0) -> 1 | NEWKEY : 0))) == 0)
#define IS_DELEGATED(s) (!HAS(nsg & ~(1 << who), s) || HAS(ds, s))
#define ONE_KEY_SET(s) ((key_alive[s] & ~(1 << key[s])) == 0)
#define ONE_NS_SET(s) ((ns_alive[s] & ~(1 << ns[s])) == 0)
#define HAS_NEW(s) (!HAS(keyg, s) || (key[s] & NEWKEY) != 0)
#define HAS_OLD_NOT(s) (!HAS(keyg, s) || (key[s] & 1) == 0)
#define NOT_WAITED (WAITS == 0)

#define C_preflight true
#define C_V10 true
#define C_V12 true
#define C_V2c true
#define C_V7 EACH(HAS_KEYS)
#define C_signal EACH(HAS_CDS)
#define C_parent_ds (ds == dsg)
#define C_ns_set EACH(HAS_NS)
#define C_csync EACH(HAS_CSYNC)
#define C_parent_ns (pns == nsg)
#define C_V1 EACH(IS_DELEGATED)
#define C_last_signer ((nsg & ~(1 << who)) != 0)
#define C_G3 EACH(HAS_GONE)
#define C_DS_Wait (NOT_WAITED || ds_alive == 1 << ds)
#define C_DNSKEY_Wait (NOT_WAITED || EACH(ONE_KEY_SET))
#define C_NS_Wait (NOT_WAITED || (pns_alive == 1 << pns && EACH(ONE_NS_SET)))
#define C_reach (NOT_WAITED || (!HAS(reach, who) && !MAY_COME(who)))
#define C_DATA_Wait (NOT_WAITED || (!HAS(reach, who) && !MAY_COME(who) && key_alive[who] == 0 && (x_alive & OWN(who)) == 0))

#define R_new_key EACH(HAS_NEW)
#define R_new_key_used (signs0 == NEWKEY)
#define R_old_key_unused (signs0 == NEWKEY)
#define R_old_key_gone ((own0 & 1) == 0)
#define R_withdrawn EACH(HAS_OLD_NOT)
#define R_DNSKEY_Wait C_DNSKEY_Wait
#define R_DATA_Wait ((x_alive & 1) == 0)

#include "rows.pml"

#define PRE(r) (proc == ADD -> PRE_ADD(r) : PRE_REMOVE(r))
#define POST(r) (proc == ADD -> POST_ADD(r) : POST_REMOVE(r))
#define LAST_ROW (proc == ADD -> ROWS_ADD - 1 : ROWS_REMOVE - 1)

/* ---- caches -------------------------------------------------------------------------------------------------------- */

/* Every set of ${sets} has all bits of ${mask}. */
#define IN_SETS_OF(sets, mask, m) (((sets) >> (m) & 1) == 0 || ((mask) & ~(m)) == 0)
#if N == 2
#define ALL_NAME(sets, mask) (IN_SETS_OF(sets, mask, 0) && IN_SETS_OF(sets, mask, 1) && IN_SETS_OF(sets, mask, 2) && \
	IN_SETS_OF(sets, mask, 3) && IN_SETS_OF(sets, mask, 4) && IN_SETS_OF(sets, mask, 5) && \
	IN_SETS_OF(sets, mask, 6) && IN_SETS_OF(sets, mask, 7))
#define KEYS_NAME(mask) (ALL_NAME(key_alive[0], mask) && ALL_NAME(key_alive[1], mask))
#define CACHED ((key_alive[0] != 0) | (key_alive[1] != 0) << 1)
#define LED_BY(sets) (HAS_ONE(sets, 0) | HAS_ONE(sets, 1) << 1)
#define HAS_ONE(sets, s) (((sets) & ((s) == 0 -> 10 : 12)) != 0)
#else
#define ALL_NAME(sets, mask) (IN_SETS_OF(sets, mask, 0) && IN_SETS_OF(sets, mask, 1) && IN_SETS_OF(sets, mask, 2) && \
	IN_SETS_OF(sets, mask, 3) && IN_SETS_OF(sets, mask, 4) && IN_SETS_OF(sets, mask, 5) && \
	IN_SETS_OF(sets, mask, 6) && IN_SETS_OF(sets, mask, 7) && IN_SETS_OF(sets, mask, 8) && \
	IN_SETS_OF(sets, mask, 9) && IN_SETS_OF(sets, mask, 10) && IN_SETS_OF(sets, mask, 11) && \
	IN_SETS_OF(sets, mask, 12) && IN_SETS_OF(sets, mask, 13) && IN_SETS_OF(sets, mask, 14) && \
	IN_SETS_OF(sets, mask, 15))
#define KEYS_NAME(mask) (ALL_NAME(key_alive[0], mask) && ALL_NAME(key_alive[1], mask) && ALL_NAME(key_alive[2], mask))
#define CACHED ((key_alive[0] != 0) | (key_alive[1] != 0) << 1 | (key_alive[2] != 0) << 2)
#define LED_BY(sets) (HAS_ONE(sets, 0) | HAS_ONE(sets, 1) << 1 | HAS_ONE(sets, 2) << 2)
#define HAS_ONE(sets, s) (((sets) & ((s) == 0 -> 170 : ((s) == 1 -> 204 : 240))) != 0)
#endif

/* Resolvers go where a delegation leads them, and where NS sets lead on; they keep what they find. */
inline look()
{
	d_step {
		ds_alive = ds_alive | 1 << ds;
		pns_alive = pns_alive | 1 << pns;
		reach = LED_BY(pns_alive);
		j = 0;
		do
		:: j < N ->
			i = 0;
			do
			:: i < N ->
				if
				:: HAS(reach, i) -> ns_alive[i] = ns_alive[i] | 1 << ns[i]
				:: else
				fi;
				reach = reach | LED_BY(ns_alive[i]);
				i++
			:: else -> break
			od;
			j++
		:: else -> break
		od;
		i = 0;
		do
		:: i < N ->
			if
			:: HAS(reach, i) ->
				key_alive[i] = key_alive[i] | 1 << key[i];
				x_alive = x_alive | SIGNS(i)
			:: else
			fi;
			i++
		:: else -> break
		od;
		i = 0; j = 0;
		/* never bogus: each DS set leads to each DNSKEY set (V1), each of these verifies all data (V2) */
		assert(ALL_NAME(ds_alive, CACHED));
		assert(KEYS_NAME(x_alive));
		/* never insecure */
		assert((ds_alive & 1) == 0)
	}
}

/* What all servers of the delegation show alike. */
#if N == 2
#define DELEGATED_CDS_SAME (!(HAS(pns, 0) && HAS(pns, 1)) || cds[0] == cds[1])
#define DELEGATED_NS_SAME (!(HAS(pns, 0) && HAS(pns, 1)) || ns[0] == ns[1])
#define DELEGATED_CS ((!HAS(pns, 0) || cs[0]) && (!HAS(pns, 1) || cs[1]))
#else
#define DELEGATED_CDS_SAME ((!(HAS(pns, 0) && HAS(pns, 1)) || cds[0] == cds[1]) && \
	(!(HAS(pns, 0) && HAS(pns, 2)) || cds[0] == cds[2]) && (!(HAS(pns, 1) && HAS(pns, 2)) || cds[1] == cds[2]))
#define DELEGATED_NS_SAME ((!(HAS(pns, 0) && HAS(pns, 1)) || ns[0] == ns[1]) && \
	(!(HAS(pns, 0) && HAS(pns, 2)) || ns[0] == ns[2]) && (!(HAS(pns, 1) && HAS(pns, 2)) || ns[1] == ns[2]))
#define DELEGATED_CS ((!HAS(pns, 0) || cs[0]) && (!HAS(pns, 1) || cs[1]) && (!HAS(pns, 2) || cs[2]))
#endif
#define FIRST (HAS(pns, 0) -> 0 : (HAS(pns, 1) -> 1 : N - 1))

/* What the parent has read, or may read at any moment, may be the delegation; a name that is on its way may be listed. */
#define MAY_COME(s) ((pns_read && HAS(pns_next, s)) || \
	(DELEGATED_CS && DELEGATED_NS_SAME && HAS(ns[FIRST], s)) || IS_SENT(s))
#if N == 2
#define IS_SENT(s) ((ns_sent[0] && HAS(ns_add[0], s)) || (ns_sent[1] && HAS(ns_add[1], s)))
#define COMING (MAY_COME(0) | MAY_COME(1) << 1)
#define ANY_CDS_LACKS (CDS_LACKS(0) || CDS_LACKS(1))
#else
#define IS_SENT(s) ((ns_sent[0] && HAS(ns_add[0], s)) || (ns_sent[1] && HAS(ns_add[1], s)) || (ns_sent[2] && HAS(ns_add[2], s)))
#define COMING (MAY_COME(0) | MAY_COME(1) << 1 | MAY_COME(2) << 2)
#define ANY_CDS_LACKS (CDS_LACKS(0) || CDS_LACKS(1) || CDS_LACKS(2))
#endif
/* What a change on its way makes of a set. */
#define KEY_TO_BE(s) (((key[s] | key_add[s]) & ~key_del[s]) | OWN(s))
#define CDS_TO_BE(s) ((cds[s] | cds_add[s]) & ~cds_del[s])
#define CDS_LACKS(s) (cds_sent[s] && HAS(reach, s) && (enter & ~CDS_TO_BE(s)) != 0)

/* ---- the guard (src/core/guard.c) ---------------------------------------------------------------------------------- */

/* May resolvers be led to the signers in "enter", as well as to where these lead? */
inline may_enter()
{
	enter = enter & ~reach;
	i = 0;
	do
	:: i < N ->
		if
		:: HAS(enter, i) -> enter = enter | ((ns[i] | (ns_sent[i] -> ns_add[i] : 0)) & ~reach)
		:: else
		fi;
		i++
	:: else -> break
	od;
	i = 0;
	ok = ALL_NAME(ds_alive, enter) && (!ds_read || (enter & ~ds_next) == 0) &&
	    (!DELEGATED_CDS_SAME || (enter & ~cds[FIRST]) == 0) && !ANY_CDS_LACKS;
	do
	:: i < N && ok ->
		if
		:: HAS(enter, i) -> ok = KEYS_NAME(SIGNS(i)) && (x_alive & ~key[i]) == 0; j = 0;
			do
			:: j < N && ok ->
				ok = (!HAS(enter, j) || (SIGNS(j) & ~key[i]) == 0) &&
				    (!key_sent[j] || !HAS(reach | enter, j) || (SIGNS(i) & ~KEY_TO_BE(j)) == 0);
				j++
			:: else -> break
			od;
			ok = ok && (!key_sent[i] || (x_alive & ~KEY_TO_BE(i)) == 0)
		:: else
		fi;
		i++
	:: else -> break
	od;
	i = 0; j = 0
}

/* ---- the controller (src/core/plan.c, process.c) ------------------------------------------------------------------------------ */

#define FULL (keyg & dsg & nsg)
#define ANY (keyg | dsg | nsg)
#define IS_ALONE ((nsg & ~(1 << who)) == 0)

inline begin(kind, s)
{
	proc = kind; who = s; row = 0
}

inline choose()
{
	if
	:: proc == ADD && !HAS(member, who) && HAS(ANY, who) -> proc = REMOVE; row = 0
	:: proc == ADD && !HAS(member, who) && !HAS(ANY, who) -> begin(NONE, 0)
	:: proc == REMOVE && HAS(member, who) -> proc = ADD; row = 0
	:: proc == REMOVE && !HAS(member, who) && row == 0 && IS_ALONE && (member & ~FULL) != 0 -> begin(NONE, 0)
	:: else
	fi;
	if
	:: proc == NONE && (member & ~FULL) != 0 ->
		i = 0;
		do
		:: HAS(member & ~FULL, i) -> break
		:: else -> i++
		od;
		begin(ADD, i)
	:: proc == NONE && (member & ~FULL) == 0 && (ANY & ~member) != 0 ->
		i = 0;
		do
		:: HAS(ANY & ~member, i) -> break
		:: else -> i++
		od;
		begin(REMOVE, i)
	:: else
	fi;
	i = 0
}

#define CHOICE ((proc == NONE && ((member & ~FULL) != 0 || (ANY & ~member) != 0)) || (proc == ADD && !HAS(member, who)) || \
	(proc == REMOVE && (HAS(member, who) || (row == 0 && IS_ALONE && (member & ~FULL) != 0))))

/* What the next row does with the intention; a row that the guard forbids is not entered. */
inline act()
{
	ok = true;
	if
	:: (proc == ADD && row + 1 == ROW_ADD_dnskeys_synced) -> keyg = keyg | 1 << who
	:: (proc == ADD && row + 1 == ROW_ADD_cds_added) -> dsg = dsg | 1 << who
	:: (proc == ADD && row + 1 == ROW_ADD_nses_synced) ->
		if
		:: GUARD -> enter = nsg | 1 << who; may_enter()
		:: else
		fi;
		if
		:: ok -> nsg = nsg | 1 << who
		:: else
		fi
	:: (proc == REMOVE && row + 1 == ROW_REMOVE_nses_synced) -> nsg = nsg & ~(1 << who)
	:: (proc == REMOVE && row + 1 == ROW_REMOVE_cds_added) ->
		ok = !GUARD || ((CACHED | COMING) & ~(dsg & ~(1 << who))) == 0;
		if
		:: ok -> dsg = dsg & ~(1 << who)
		:: else
		fi
	:: (proc == REMOVE && row + 1 == ROW_REMOVE_dnskeys_synced) ->
		ok = !GUARD || (x_alive & OWN(who)) == 0;
		if
		:: ok -> keyg = keyg & ~(1 << who)
		:: else
		fi
	:: ((proc == ADD && row + 1 == ROW_ADD_csync_added) || (proc == REMOVE && row + 1 == ROW_REMOVE_csync_added)) ->
		if
		:: !C_parent_ns -> csync = true; asked = true
		:: else
		fi
	:: ((proc == ADD && row + 1 == ROW_ADD_stop) || (proc == REMOVE && row + 1 == ROW_REMOVE_csync_removed)) -> csync = false
	:: else
	fi;
	if
	:: ok -> row++
	:: else
	fi
}

#define CAN_STEP (proc != NONE && !CHOICE && POST(row) && (row == LAST_ROW || PRE(row + 1)))

inline step()
{
	if
	:: row == LAST_ROW -> begin(NONE, 0)
	:: else -> act()
	fi
}

/* A parent that comes late to what was asked for earlier is asked again. */
#define MENDS (asked && (proc == NONE || (proc == ADD && row >= (csync -> ROW_ADD_stop : ROW_ADD_csync_added)) || \
	(proc == REMOVE && row >= (csync -> ROW_REMOVE_csync_removed : ROW_REMOVE_csync_added))) && C_ns_set && csync == C_parent_ns)

/* What each set lacks, and has too much. */
#define KEY_ADD(s) (HAS(keyg, s) -> KEYS(keyg) & ~key[s] : 0)
#define IS_WITHDRAWN(k) (((k) == 1 -> HAS(keyg, 0) && (own0 & 1) == 0 && (x_alive & 1) == 0 : false))
#define FOREIGN (ALL | NEWKEY)
#define NO_MEMBERS_KEYS (KEYS(ALL & ~keyg & ~member) | (!HAS(keyg | member, 0) -> 1 | NEWKEY : 0))
#define KEY_DEL(s) (HAS(keyg, s) -> (key[s] & ~OWN(s) & (NO_MEMBERS_KEYS | (IS_WITHDRAWN(1) -> 1 : 0))) : 0)
#define CDS_ADD(s) (HAS(keyg & dsg, s) -> dsg & ~cds[s] : 0)
#define CDS_DEL(s) (HAS(keyg & dsg, s) -> cds[s] & ~dsg : 0)
#define NS_ADD(s) (HAS(NS_AT, s) -> nsg & ~ns[s] : 0)
#define NS_DEL(s) (HAS(NS_AT, s) -> ns[s] & ~nsg : 0)

inline send_key(s)
{
	/* The guard: what resolvers may hold of this signer has to verify what they may hold of all. */
	ok = !GUARD || !HAS(reach, s) || (x_alive & KEY_DEL(s)) == 0;
	if
	:: ok -> key_sent[s] = true; key_add[s] = KEY_ADD(s); key_del[s] = KEY_DEL(s)
	:: else
	fi
}

inline send_cds(s)
{
	ok = !GUARD || ((CACHED | COMING) & ~dsg) == 0;
	if
	:: ok -> cds_sent[s] = true; cds_add[s] = CDS_ADD(s); cds_del[s] = CDS_DEL(s)
	:: else
	fi
}

inline send_ns(s)
{
	ok = true;
	if
	:: GUARD && NS_ADD(s) != 0 -> enter = NS_ADD(s); may_enter()
	:: else
	fi;
	if
	:: ok -> ns_sent[s] = true; ns_add[s] = NS_ADD(s); ns_del[s] = NS_DEL(s)
	:: else
	fi
}

/* ---- everybody ----------------------------------------------------------------------------------------------------- */

#define KEY_DUE(s) (!key_sent[s] && (KEY_ADD(s) | KEY_DEL(s)) != 0 && (!GUARD || !HAS(reach, s) || (x_alive & KEY_DEL(s)) == 0))
#define CDS_DUE(s) (!cds_sent[s] && (CDS_ADD(s) | CDS_DEL(s)) != 0 && (!GUARD || ((CACHED | COMING) & ~dsg) == 0))
#define NS_DUE(s) (!ns_sent[s] && (NS_ADD(s) | NS_DEL(s)) != 0)
#define CS_DUE(s) (!cs_sent[s] && HAS(NS_AT, s) && cs[s] != csync)

/* What leaves the caches. */
#define OLD_DS (ds_alive & ~(1 << ds))
#define OLD_PNS (pns_alive & ~(1 << pns))
#define OLD_NS(s) (ns_alive[s] & ~(HAS(reach, s) -> 1 << ns[s] : 0))
#define OLD_KEY(s) (key_alive[s] & ~(HAS(reach, s) -> 1 << key[s] : 0))
#if N == 2
#define SIGNING ((HAS(reach, 0) -> signs0 : 0) | (HAS(reach, 1) << 1))
#else
#define SIGNING ((HAS(reach, 0) -> signs0 : 0) | (HAS(reach, 1) << 1) | (HAS(reach, 2) << 2))
#endif

/* The roll-over of signer 0 is followed as long as it shares its keys. */
#define FOLLOWS (HAS(keyg, 0))
#define ROLL_STEPS (roll != IDLE && FOLLOWS && POST_ZSK(roll) && (roll == ROWS_ZSK - 1 || PRE_ZSK(roll + 1)))

#define AT_GOAL (proc == NONE && FULL == member && ANY == member && ds == member && pns == member)

#define SAY(what) printf("MSC: %e: wants %d; keyg %d dsg %d nsg %d; process %d of %d row %d; key %d %d, cds %d %d, ns %d %d, ds %d, pns %d\n", \
	what, member, keyg, dsg, nsg, proc, who, row, key[0], key[1], cds[0], cds[1], ns[0], ns[1], ds, pns)
#define FOR_EACH_SIGNER(s) \
	:: KEY_DUE(s) -> atomic { send_key(s); SAY(ev_send_dnskey) } \
	:: CDS_DUE(s) -> atomic { send_cds(s); SAY(ev_send_cds) } \
	:: NS_DUE(s) -> atomic { send_ns(s); SAY(ev_send_ns) } \
	:: CS_DUE(s) -> atomic { cs_sent[s] = true; cs_to[s] = csync; SAY(ev_send_csync) } \
	:: key_sent[s] -> atomic { key[s] = ((key[s] | key_add[s]) & ~key_del[s]) | OWN(s); key_sent[s] = false; SAY(ev_dnskey_changes); look() } \
	:: cds_sent[s] -> atomic { cds[s] = (cds[s] | cds_add[s]) & ~cds_del[s]; cds_sent[s] = false; SAY(ev_cds_changes) } \
	:: ns_sent[s] -> atomic { ns[s] = (ns[s] | ns_add[s]) & ~ns_del[s]; ns_sent[s] = false; SAY(ev_ns_changes); look() } \
	:: cs_sent[s] -> atomic { cs[s] = cs_to[s]; cs_sent[s] = false; SAY(ev_csync_changes) } \
	:: toggles > 0 && key_sent[s] -> key_sent[s] = false \
	:: toggles > 0 && cds_sent[s] -> cds_sent[s] = false \
	:: toggles > 0 && ns_sent[s] -> ns_sent[s] = false \
	:: toggles > 0 && cs_sent[s] -> cs_sent[s] = false \
	:: toggles > 0 && (member ^ (1 << s)) != 0 -> atomic { member = member ^ (1 << s); toggles--; SAY(ev_operator_changes_his_mind) } \
	:: OLD_NS(s) != 0 -> atomic { ns_alive[s] = ns_alive[s] & ~OLD_NS(s); look() } \
	:: OLD_KEY(s) != 0 -> atomic { key_alive[s] = key_alive[s] & ~OLD_KEY(s); look() }

active proctype music()
{
	atomic {
		i = 0;
		do
		:: i < N -> key[i] = 1 << i; cds[i] = 1 << i; ns[i] = 1 << i; i++
		:: else -> break
		od;
		look()
	}
	do
	FOR_EACH_SIGNER(0)
	FOR_EACH_SIGNER(1)
#if N == 3
	FOR_EACH_SIGNER(2)
#endif
	/* only the goal is an end: where nothing can happen and it is not reached, spin tells an invalid end state */
	:: AT_GOAL && toggles == 0 -> break
	/* the operator has made up his mind, and nothing is lost any more */
	:: toggles > 0 -> toggles = 0
	/* the controller */
	:: CHOICE -> atomic { choose(); SAY(ev_controller_chooses) }
	:: CAN_STEP -> atomic { step(); SAY(ev_controller_steps) }
	:: MENDS -> atomic { csync = !C_parent_ns; SAY(ev_controller_mends_the_delegation) }
	/* the parent reads, and publishes later */
	:: !ds_read && DELEGATED_CDS_SAME && cds[FIRST] != ds && (CACHED & ~cds[FIRST] & pns) == 0 ->
		atomic { ds_read = true; ds_next = cds[FIRST]; SAY(ev_parent_reads_cds) }
	:: ds_read -> atomic { ds = ds_next; ds_read = false; SAY(ev_parent_publishes_ds); look() }
	:: !pns_read && DELEGATED_CS && DELEGATED_NS_SAME && ns[FIRST] != pns -> atomic { pns_read = true; pns_next = ns[FIRST]; SAY(ev_parent_reads_csync) }
	:: pns_read -> atomic { pns = pns_next; pns_read = false; SAY(ev_parent_publishes_ns); look() }
	/* time */
	:: OLD_DS != 0 -> atomic { ds_alive = 1 << ds; look() }
	:: OLD_PNS != 0 -> atomic { pns_alive = 1 << pns; look() }
	:: (x_alive & ~SIGNING) != 0 -> atomic { x_alive = SIGNING; look() }
#if ROLL
	/* signer 0 publishes a new ZSK; uses it, and withdraws the old one, when it is told that it may */
	:: own0 == 1 && signs0 == 1 -> atomic { own0 = 1 | NEWKEY; key[0] = key[0] | NEWKEY; SAY(ev_signer_0_publishes_its_new_key); look() }
	:: own0 == (1 | NEWKEY) && signs0 == 1 && KEYS_NAME(NEWKEY) && (roll != IDLE && roll >= ROW_ZSK_new_key_ready && FOLLOWS) ->
		atomic { signs0 = NEWKEY; SAY(ev_signer_0_signs_with_its_new_key); look() }
	:: own0 == (1 | NEWKEY) && signs0 == NEWKEY && (roll != IDLE && roll >= ROW_ZSK_old_data_expired) && FOLLOWS ->
		atomic { own0 = NEWKEY; key[0] = key[0] & ~1; SAY(ev_signer_0_withdraws_its_old_key); look() }
	:: FOLLOWS && roll == IDLE && own0 == (1 | NEWKEY) -> roll = 0
	:: !FOLLOWS && roll != IDLE -> roll = IDLE
	:: ROLL_STEPS -> atomic { if :: roll == ROWS_ZSK - 1 -> roll = IDLE :: else -> roll++ fi }
#endif
	od
}
