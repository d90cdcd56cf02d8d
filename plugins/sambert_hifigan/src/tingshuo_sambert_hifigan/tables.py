"""The symbols of each language, in the order that gives them their ids.

Source: KAN-TTS 66202d0 (MIT), kantts/preprocess/languages/*/{PhoneSet.xml,tonelist.txt} and
kantts/utils/ling_unit/{lang_symbols,emotion_types}.py. A phone's id is its place here, not the <id> of PhoneSet.xml,
which differ for `pau`. An official checkpoint means nothing under another order, so nothing here may be sorted.
"""

from __future__ import annotations

#: Behind every table: padding, end of sequence, and (unless the model card says has_mask false) the mask.
PAD, END, MASK = "_", "~", "@[MASK]"
BREAKS = ("#1", "#2", "#3", "#4")
SYLLABLE_FLAGS = ("s_begin", "s_end", "s_none", "s_both", "s_middle")
WORD_SEGMENTS = ("word_begin", "word_end", "word_middle", "word_both", "word_none")
NO_EMOTION, NEUTRAL = "emotion_none", "emotion_neutral"

EMOTIONS = tuple(
    "emotion_" + name
    for name in """
    none neutral angry disgust fear happy sad surprise calm gentle relax lyrical serious disgruntled
    satisfied disappointed excited anxiety jealousy hate pity pleasure arousal dominance placeholder1
    placeholder2 placeholder3 placeholder4 placeholder5 placeholder6 placeholder7 placeholder8
    placeholder9
""".split()
)

#: English phones, the same in all tables.
_ARPABET = tuple(
    """
    aa ae ah ao aw ay b ch d dh eh er ey f g hh ih iy jh k l m n ng ow oy p r s sh t th uh uw v w y z zh
""".split()
)

_MANDARIN = tuple(
    """
    a_c ai_c an_c ang_c ao_c b_c c_c ch_c d_c e_c ei_c en_c eng_c er_c f_c g_c h_c i_c ia_c ian_c iang_c
    iao_c ie_c ih_c ii_c in_c ing_c io_c iong_c iou_c j_c k_c l_c m_c n_c o_c ong_c ou_c p_c q_c r_c s_c
    sh_c t_c u_c ua_c uai_c uan_c uang_c uei_c uen_c ueng_c uo_c v_c van_c ve_c vn_c xx_c z_c zh_c w_c
    y_c ga ge go
""".split()
)

#: Finals with a rolled end.
_ERHUA = tuple(
    """
    air_c angr_c anr_c aor_c ar_c eir_c engr_c enr_c iangr_c ianr_c iaor_c iar_c ier_c ihr_c iir_c
    ingr_c inr_c iongr_c iour_c ir_c ongr_c or_c our_c uair_c uangr_c uanr_c uar_c ueir_c uenr_c uor_c
    ur_c vanr_c ver_c vnr_c vr_c
""".split()
)

_SICHUAN = tuple(
    """
    a_c ai_c an_c ang_c ao_c b_c c_c ch_c d_c e_c ei_c en_c eng_c er_c f_c g_c h_c i_c ia_c ian_c iang_c
    iao_c ie_c ih_c ii_c in_c ing_c ioo_c iong_c iou_c j_c k_c l_c m_c n_c o_c ong_c ou_c p_c q_c r_c
    s_c sh_c t_c u_c ua_c uai_c uan_c uang_c uei_c uen_c ueng_c uo_c v_c van_c ve_c vn_c xx_c z_c zh_c
    w_c y_c ng_c iai_c io_c ue_c ga ge go
""".split()
)

_CANTONESE = tuple(
    """
    b c d f g gw h j k kw l m n ng p s t w z aa aai aak aam aan aang aap aat aau ai ak am an ang ap at
    au e ei ek eng i ik in ing it iu o ok ong ou ui uk un ung ut eoi eon eot im ip oek oeng oi yu yun
    yut eu oe u ep on ot em mm ngng ae ah ao aw ay ch dh eh er ey hh ih iy jh ow oy r sh th uh uw v y zh
    pau
""".split()
)

_SHANGHAI = tuple(
    """
    p_sh ph_sh b_sh m_sh f_sh v_sh t_sh th_sh d_sh n_sh l_sh ts_sh tsh_sh s_sh z_sh c_sh ch_sh j_sh
    ny_sh sh_sh zh_sh k_sh kh_sh g_sh ng_sh h_sh gh_sh a_sh ah_sh an_sh aon_sh au_sh e_sh eh_sh en_sh
    eu_sh i_sh ia_sh iah_sh ian_sh iaon_sh iau_sh ie_sh ieu_sh ih_sh in_sh ioe_sh ioh_sh ion_sh iu_sh
    iuih_sh iun_sh o_sh oe_sh oh_sh on_sh r_sh u_sh ua_sh uah_sh uan_sh uaon_sh ue_sh ueh_sh uen_sh
    uoe_sh y_sh ghan_sh ghau_sh gheh_sh ghiah_sh ghuoe_sh ghen_sh ghia_sh ghie_sh ghuaon_sh ghian_sh
    gheu_sh ghih_sh ghiau_sh ghin_sh ghiu_sh ghoe_sh ghieu_sh ghoh_sh ghon_sh ghua_sh ghioe_sh ghue_sh
    ghioh_sh ghion_sh ghiaon_sh ghiun_sh gha_sh ghuah_sh ghe_sh ghaon_sh ghi_sh ghuan_sh ghng_sh ghm_sh
    ghn_sh ghiuih_sh gho_sh ghueh_sh ghr_sh ghu_sh ghuen_sh ghy_sh ghah_sh
""".split()
)

#: Phones without the breaks, by the name in `linguistic_unit.language`.
PHONES: dict[str, tuple[str, ...]] = {
    "PinYin": (*_MANDARIN, *_ARPABET, *_ERHUA, "pau"),
    "Sichuan": (*_SICHUAN, *_ARPABET, "pau"),
    "ZhHK": _CANTONESE,
    "WuuShanghai": (*_SHANGHAI, *_ARPABET, "pau"),
}
#: Tones; the order is that of tonelist.txt, where a blank line is `tone_none`.
TONES: dict[str, tuple[str, ...]] = {
    "PinYin": tuple("tone" + tone for tone in "1 _none 4 2 3 5 0".split()),
    "Sichuan": tuple("tone" + tone for tone in "1 _none 4 2 3 5 0".split()),
    "ZhHK": tuple("tone" + tone for tone in "6 0 3 4 2 5 7 1 8 9 _none".split()),
    "WuuShanghai": tuple("tone" + tone for tone in "6 0 3 4 2 5 1 7 8 _none".split()),
}
#: BCP 47 codes of what a voice of each language reads; the first is its own.
LANGUAGES = {
    "PinYin": ("zh", "en"),
    "Sichuan": ("zh-sichuan", "en"),
    "ZhHK": ("yue", "en"),
    "WuuShanghai": ("wuu", "en"),
}
