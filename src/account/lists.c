/*
 * lists.c - giving back what the calls of weft/account.h have listed.
 *
 * Never: frees twice; a list that was given back is empty.
 */
#include "weft/account_session.h"

#include <stdlib.h>

/* free(3) keeps errno. */
static void give_back(void *list, size_t *count)
{
	free(list);
	*count = 0;
}

void weft_account_sessions_fini(struct weft_account_sessions *sessions)
{
	give_back(sessions->sessions, &sessions->count);
	sessions->sessions = NULL;
}

void weft_account_tokens_fini(struct weft_account_tokens *tokens)
{
	give_back(tokens->tokens, &tokens->count);
	tokens->tokens = NULL;
}

void weft_account_page_fini(struct weft_account_page *page)
{
	give_back(page->users, &page->count);
	page->users = NULL;
}

void weft_account_roles_fini(struct weft_account_roles *roles)
{
	give_back(roles->roles, &roles->count);
	roles->roles = NULL;
}

void weft_account_groups_fini(struct weft_account_groups *groups)
{
	give_back(groups->groups, &groups->count);
	groups->groups = NULL;
}

void weft_account_grants_fini(struct weft_account_grants *grants)
{
	give_back(grants->grants, &grants->count);
	grants->grants = NULL;
}

void weft_account_uses_fini(struct weft_account_uses *uses)
{
	give_back(uses->uses, &uses->count);
	uses->uses = NULL;
}

void weft_account_events_fini(struct weft_account_events *events)
{
	give_back(events->events, &events->count);
	events->events = NULL;
}
