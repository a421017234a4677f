/*
 * chat_code.c - codes: who has logged in gets one, and comes in by it with `nc -u`, where no
 * password could be sent.
 *
 * A code has 8 of 31 letters and digits: 8.5 * 10^11 of them. It is good for 300 seconds. A network
 * (an IPv4 address, a /64 of IPv6) has 10 wrong ones, then one in 6 seconds: 60 in that time, and
 * finds one code with a chance of 7 * 10^-11. All networks together are read by one fiber, in some
 * 2 microseconds each at best: 1.5 * 10^8 guesses while one code is good, or a chance of 2 * 10^-4
 * for who has tens of thousands of addresses and keeps the server busy with nothing else for five
 * minutes. So wrong ones need not make the right one void, and strangers can't.
 *
 * Entry points: weft__hub_chat_code_make(), weft__hub_chat_code_take().
 *
 * Never: takes a code twice.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "chat_session.h"
#include "weft/lock.h"
#include "weft/rate.h"

#define CODES_MAX    256
#define CODE_GOOD_NS (5 * WEFT_SECONDS(60))

#define WRONG_BURST      10
#define WRONG_PER_SECOND (1.0 / 6)
#define NETWORKS_MAX     16384

/* None that looks like another. */
static const char alphabet[] = "abcdefghjkmnpqrstuvwxyz23456789";

struct code {
	int64_t account; /* 0: none */
	int64_t until_ns;
	struct weft_account_who *who;
	char text[HUB_CHAT_CODE_SIZE];
};

struct chat_codes {
	struct weft_lock lock;
	struct weft_rate *wrong;
	struct code all[CODES_MAX];
};

static void drop(struct code *code)
{
	weft_account_who_free(code->who);
	explicit_bzero(code, sizeof(*code));
}

/* Her own, or a free one, or one that is over soonest. */
static struct code *place_for(struct chat_codes *codes, int64_t account)
{
	struct code *place = &codes->all[0];

	for (unsigned i = 0; i < CODES_MAX; i++) {
		if (codes->all[i].account == account)
			return &codes->all[i];
		if (codes->all[i].until_ns < place->until_ns)
			place = &codes->all[i];
	}
	return place;
}

int weft__hub_chat_code_make(
	struct hub_chat *chat, struct weft_account_who *who, char ret_code[HUB_CHAT_CODE_SIZE])
{
	struct chat_codes *codes = chat->codes;
	struct code *code;

	if (weft_lock_acquire(&codes->lock) < 0)
		return -1;
	code = place_for(codes, who->user.id);
	drop(code);
	code->account = who->user.id;
	code->until_ns = weft_now() + CODE_GOOD_NS;
	code->who = weft_account_who_keep(who);
	/* The remainder's bias is one in 10^17. */
	for (unsigned i = 0; i < HUB_CHAT_CODE_SIZE - 1; i++)
		code->text[i] = alphabet[weft_random() % (sizeof(alphabet) - 1)];
	memcpy(ret_code, code->text, HUB_CHAT_CODE_SIZE);
	weft_lock_release(&codes->lock);
	return 0;
}

/* In any case: it is typed by hand. How long it takes says nothing of where they differ. */
static bool is_right(const struct code *code, const char *guess)
{
	unsigned differs = 0;

	if (strlen(guess) != HUB_CHAT_CODE_SIZE - 1)
		return false;
	for (unsigned i = 0; i < HUB_CHAT_CODE_SIZE - 1; i++)
		differs |= (unsigned)(tolower((unsigned char)guess[i]) ^ code->text[i]);
	return differs == 0;
}

static bool take(struct chat_codes *codes, const struct hub_chat_guess *guess,
	struct weft_account_who **ret_who)
{
	for (unsigned i = 0; i < CODES_MAX; i++) {
		struct code *code = &codes->all[i];

		if (code->account != guess->account || weft_now() >= code->until_ns)
			continue;
		if (!is_right(code, guess->code))
			return false;
		*ret_who = code->who;
		code->who = NULL;
		drop(code);
		return true;
	}
	return false;
}

int weft__hub_chat_code_take(struct hub_chat *chat, const struct hub_chat_guess *guess,
	struct weft_account_who **ret_who)
{
	struct chat_codes *codes = chat->codes;
	int result = 0;

	/* Also the right one: else waiting would be no bound. */
	if (weft_rate_wait(codes->wrong, guess->network, guess->network_len, weft_now()) > 0)
		return -1;
	if (guess->account == 0 || weft_lock_acquire(&codes->lock) < 0)
		return 0;
	result = take(codes, guess, ret_who);
	weft_lock_release(&codes->lock);
	if (!result)
		weft_rate_take(codes->wrong, guess->network, guess->network_len, weft_now());
	return result;
}

int weft__chat_codes_begin(struct hub_chat *chat)
{
	struct chat_codes *codes = calloc(1, sizeof(*codes));

	if (!codes)
		return -1;
	weft_lock_init(&codes->lock, "chat: codes");
	chat->codes = codes;
	codes->wrong = weft_rate_new(&(struct weft_rate_options){
		.per_second = WRONG_PER_SECOND, .burst = WRONG_BURST, .keys_max = NETWORKS_MAX});
	return codes->wrong ? 0 : -1;
}

void weft__chat_codes_end(struct hub_chat *chat)
{
	struct chat_codes *codes = chat->codes;

	if (!codes)
		return;
	for (unsigned i = 0; i < CODES_MAX; i++)
		drop(&codes->all[i]);
	weft_rate_free(codes->wrong);
	free(codes);
	chat->codes = NULL;
}
