import { Body, Get, Post, Query } from '@nestjs/common';
import { mapPage, type Page } from '../../core/page.js';
import { ApiController, NO_CONTENT, Operation, pageOf } from '../../platform/http/operation.decorator.js';
import { ConvertIntakeDto, ListIntakeQuery, RemoveIntakeDto, SubmitIntakeDto } from './intake.dto.js';
import { IntakeService } from './intake.service.js';
import { IntakeConversionView, IntakeReceiptView, IntakeSubmissionView, toIntakeSubmissionView } from './intake.view.js';

@ApiController('intake', 'Operations / Intake')
export class IntakeController {
  constructor(private readonly intake: IntakeService) {}

  /** Takes the form of somebody who wants to become a tenant. Open to everyone, a few times a minute. */
  @Post()
  @Operation({ id: 'submitIntake', allow: 'public', returns: IntakeReceiptView, status: 201, rateLimit: 'intake', audited: true })
  async submit(@Body() body: SubmitIntakeDto): Promise<IntakeReceiptView> {
    const { id, created_at } = await this.intake.submit(body);
    return { id, created_at: created_at.toISOString() };
  }

  /** Lists the forms that were sent in, newest first. They belong to the operator tenant; every other has none. */
  @Get()
  @Operation({ id: 'listIntake', allow: 'intake:read', returns: pageOf(IntakeSubmissionView) })
  async list(@Query() query: ListIntakeQuery): Promise<Page<IntakeSubmissionView>> {
    return mapPage(await this.intake.page(query.status, query), toIntakeSubmissionView);
  }

  /** Removes a form: one that is refused, or whose sender asks for it. A tenant that it became stays. Old ones are removed after INTAKE_RETENTION_DAYS. */
  @Post('removals')
  @Operation({ id: 'removeIntake', allow: 'tenant:write', returns: NO_CONTENT, problems: ['not_found'] })
  async remove(@Body() { submission_id }: RemoveIntakeDto): Promise<void> {
    await this.intake.remove(submission_id);
  }

  /**
   * Turns a form into a tenant with its first administrator. For administrators of the operator tenant. A form becomes a
   * tenant once, and of the tenant, its administrator and the form's end either all is done or nothing.
   */
  @Post('conversions')
  @Operation({
    id: 'convertIntake',
    allow: 'tenant:write',
    returns: IntakeConversionView,
    status: 201,
    problems: ['not_found', 'intake_converted', 'slug_taken', 'email_taken', 'weak_password'],
    idempotency: 'outside',
  })
  convert(@Body() body: ConvertIntakeDto): Promise<IntakeConversionView> {
    return this.intake.convert(body);
  }
}
