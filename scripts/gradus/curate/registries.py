"""Public lists that tell a real address or account number from something that only looks like one."""

from __future__ import annotations

_COUNTRIES = """
    ac ad ae af ag al am ao ar at au az ba bb bd be bf bg bh bi bj bn bo br bs bt bw by bz ca cd cf cg ch ci ck cl cm cn co cr cu cv cy cz de dj
    dk dm do dz ec ee eg er es et eu fi fj fm fo fr ga gb gd ge gg gh gi gl gm gn gp gq gr gt gw gy hk hn hr ht hu id ie il im in iq ir is it je
    jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md mg mh mk ml mm mn mo mr ms mt mu mv mw mx my mz na nc ne
    ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg si sk sl sm sn so sr ss st su sv sy sz tc
    td tg th tj tk tl tm tn to tr tt tw tz ua ug uk us uy uz va vc ve vg vi vn vu ws ye za zm zw
"""
_GENERIC = "com org net edu gov mil int info biz name pro app dev io ai cloud online site tech email me tv museum aero coop jobs mobi"
_IBAN = """
    AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 FI18 FO18 FR27 GB22 GE22 GI23 GL18
    GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15
    PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SD18 SE24 SI19 SK24 SM27 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20
"""

COUNTRY_DOMAINS = frozenset(_COUNTRIES.split())
"""Top-level domains of countries."""

GENERIC_DOMAINS = frozenset(_GENERIC.split())
"""The top-level domains in wide use that belong to no country."""

IBAN_LENGTHS = {entry[:2]: int(entry[2:]) for entry in _IBAN.split()}
"""Length of an IBAN by its country (registry of ISO 13616, kept by SWIFT)."""
