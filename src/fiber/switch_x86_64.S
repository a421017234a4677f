/*
 * switch_x86_64.S - the switch by the System V AMD64 ABI (psABI 1.0, section 3.2).
 *
 * Why this is right:
 *
 * - A switch is a function call to the compiler. Of a call it expects (3.2.1) that rbx,
 *   rbp, r12-r15 and rsp come back as they were, and that all else may be gone: the
 *   other general registers, all of xmm/ymm/zmm, the x87 stack (empty at a call) and the
 *   status flags. So these six are pushed, rsp is exchanged, these six are popped.
 * - The control words are callee-saved too: the x87 control word, and the control bits of
 *   mxcsr (rounding, masks, flush to zero). Reading mxcsr takes longer than all the rest of a
 *   switch (measured: 3 ns of 5), so it is read only where the x87 word is not the usual
 *   0x37f. That is enough for <fenv.h>: fesetround(), feenableexcept() and fesetenv() always
 *   change both words together, and what leaves the x87 word as usual leaves mxcsr as it was
 *   when weft_run() began. So a stack with the usual word needs no mxcsr saved: it is given
 *   that one when it follows a stack with another. What does not go with the stack is a
 *   change made to mxcsr alone, behind <fenv.h> (_mm_setcsr): that is the worker's until it
 *   is undone, and switch.h says so.
 * - The direction flag is clear at every call, so it is clear on both sides.
 * - The red zone (128 bytes below rsp) belongs to leaf code; a caller is not a leaf.
 * - Return goes by `ret`. Both sides were left by the same call instruction in worker.c, so
 *   the return predictor, which holds that address, is right in the usual case.
 * - Shadow stacks (CET) are not switched; Debian 12 doesn't enable them for user space.
 *
 * What a parked stack holds, from its saved rsp upwards:
 *
 *	+0   mxcsr (4; only where the x87 word is unusual), x87 control word (2), unused (2)
 *	+8   r15   +16 r14   +24 r13   +32 r12   +40 rbx   +48 rbp
 *	+56  return address
 *
 * Unwinding: the CFA is tracked through every push, so gdb and C++ exceptions walk from a
 * parked or running fiber up to its first frame; weft__entry marks its return address
 * undefined, which ends the walk there.
 */
#define USUAL 0x37f

	.text

	.globl	weft__switch
	.hidden	weft__switch
	.type	weft__switch, @function
	.p2align 5
weft__switch:				/* rdi: void **ret_sp, rsi: void *sp */
	.cfi_startproc
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbp, 0
	pushq	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbx, 0
	pushq	%r12
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r12, 0
	pushq	%r13
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r13, 0
	pushq	%r14
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r14, 0
	pushq	%r15
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r15, 0
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	fnstcw	4(%rsp)
	movzwl	4(%rsp), %ecx
	cmpw	$USUAL, %cx
	jne	3f
4:	movq	%rsp, (%rdi)
	movq	%rsi, %rsp		/* from here on: the other stack, same layout */

	cmpw	4(%rsp), %cx
	jne	1f
2:	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	.cfi_remember_state
	popq	%r15
	.cfi_adjust_cfa_offset -8
	.cfi_restore r15
	popq	%r14
	.cfi_adjust_cfa_offset -8
	.cfi_restore r14
	popq	%r13
	.cfi_adjust_cfa_offset -8
	.cfi_restore r13
	popq	%r12
	.cfi_adjust_cfa_offset -8
	.cfi_restore r12
	popq	%rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore rbx
	popq	%rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore rbp
	ret
	.cfi_restore_state
	.cfi_adjust_cfa_offset 8
1:	fldcw	4(%rsp)
	cmpw	$USUAL, 4(%rsp)
	je	5f
	ldmxcsr	(%rsp)
	jmp	2b
5:	ldmxcsr	weft__mxcsr_usual(%rip)
	jmp	2b
3:	stmxcsr	(%rsp)
	jmp	4b
	.cfi_endproc
	.size	weft__switch, . - weft__switch

/*
 * The first frame is a parked stack whose return address is weft__entry, with the
 * function in r12 and its argument in r13. It starts with the usual control words.
 */
	.globl	weft__switch_prepare
	.hidden	weft__switch_prepare
	.type	weft__switch_prepare, @function
	.p2align 4
weft__switch_prepare:			/* rdi: top, rsi: entry, rdx: arg */
	.cfi_startproc
	andq	$-16, %rdi
	leaq	-64(%rdi), %rax		/* after the last pop and ret: rsp == top, 16-aligned */
	movl	$0, (%rax)
	movl	$USUAL, 4(%rax)
	movq	$0, 8(%rax)		/* r15 */
	movq	$0, 16(%rax)		/* r14 */
	movq	%rdx, 24(%rax)		/* r13: arg */
	movq	%rsi, 32(%rax)		/* r12: entry */
	movq	$0, 40(%rax)		/* rbx */
	movq	$0, 48(%rax)		/* rbp: 0 ends frame-pointer walks */
	leaq	weft__entry(%rip), %rcx
	movq	%rcx, 56(%rax)
	ret
	.cfi_endproc
	.size	weft__switch_prepare, . - weft__switch_prepare

/* Remember the mxcsr that goes with the usual x87 word; before the first switch. */
	.globl	weft__switch_init
	.hidden	weft__switch_init
	.type	weft__switch_init, @function
weft__switch_init:
	.cfi_startproc
	stmxcsr	weft__mxcsr_usual(%rip)
	ret
	.cfi_endproc
	.size	weft__switch_init, . - weft__switch_init

	.local	weft__mxcsr_usual
	.comm	weft__mxcsr_usual, 4, 4

	.type	weft__entry, @function
	.p2align 4
weft__entry:
	.cfi_startproc
	.cfi_undefined rip
	movq	%r13, %rdi
	call	*%r12			/* pushes 8: rsp + 8 is 16-aligned at entry (3.2.2) */
	ud2				/* entry never returns */
	.cfi_endproc
	.size	weft__entry, . - weft__entry

	.section .note.GNU-stack, "", @progbits
