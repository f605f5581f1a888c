import { Body, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { mapPage, type Page } from '../../core/page.js';
import { ApiController, NO_CONTENT, Operation, pageOf } from '../../platform/http/operation.decorator.js';
import { PageQuery } from '../../platform/http/page.dto.js';
import { Uuid } from '../../platform/http/uuid.pipe.js';
import { ApprovalDryRuns } from './approval-dry-runs.service.js';
import { CreateApprovalRuleDto, DryRunApprovalRuleDto, UpdateApprovalRuleDto } from './approval-rules.dto.js';
import { ApprovalRulesService } from './approval-rules.service.js';
import { ApprovalRuleVersionsView, ApprovalRuleView, DryRunView, toDryRunView, toRuleView, toVersionsView } from './approval-rules.view.js';

@ApiController('approval-rules', 'Safeguards / Approvals')
export class ApprovalRulesController {
  constructor(
    private readonly rules: ApprovalRulesService,
    private readonly dryRuns: ApprovalDryRuns,
  ) {}

  /** Lists the rules for approvals, newest first. Of those that are on, the first that fits a request decides, by priority. */
  @Get()
  @Operation({ id: 'listApprovalRules', allow: 'approval-rule:read', returns: pageOf(ApprovalRuleView) })
  async list(@Query() query: PageQuery): Promise<Page<ApprovalRuleView>> {
    return mapPage(await this.rules.list(query), toRuleView);
  }

  /**
   * Creates a rule. Which actions of which agents need approval, by whom, and when they are let through. From the answer on it holds
   * in every process, for requests that are made from then on. For people who signed in within the last minutes.
   */
  @Post()
  @Operation({ id: 'createApprovalRule', allow: 'approval-rule:write', returns: ApprovalRuleView, status: 201, problems: ['name_taken', 'plan_limit_reached', 'fresh_sign_in_required'] })
  async create(@Body() body: CreateApprovalRuleDto): Promise<ApprovalRuleView> {
    return toRuleView(await this.rules.create(body));
  }

  /** Tries a rule on what was asked for before. What it would have done, beside what the rules of now would; nothing is changed. */
  @Post('dry-run')
  @Operation({ id: 'dryRunApprovalRule', allow: 'approval-rule:write', returns: DryRunView, audited: false, problems: ['not_found'] })
  async dryRun(@Body() body: DryRunApprovalRuleDto): Promise<DryRunView> {
    return toDryRunView(await this.dryRuns.run(body));
  }

  /** Reads a rule. */
  @Get(':id')
  @Operation({ id: 'getApprovalRule', allow: 'approval-rule:read', returns: ApprovalRuleView, problems: ['not_found'] })
  async get(@Param('id', Uuid) id: string): Promise<ApprovalRuleView> {
    return toRuleView(await this.rules.get(id));
  }

  /** Lists the versions of a rule, newest first. Also of one that is gone: the traces of approvals name them. */
  @Get(':id/versions')
  @Operation({ id: 'listApprovalRuleVersions', allow: 'approval-rule:read', returns: ApprovalRuleVersionsView, problems: ['not_found'] })
  async versions(@Param('id', Uuid) id: string): Promise<ApprovalRuleVersionsView> {
    return toVersionsView(await this.rules.versions(id));
  }

  /** Changes a rule. What is left out stays. Each change is a new version; approvals that were asked for before keep theirs. */
  @Patch(':id')
  @Operation({ id: 'updateApprovalRule', allow: 'approval-rule:write', returns: ApprovalRuleView, problems: ['not_found', 'name_taken', 'precondition_failed', 'fresh_sign_in_required'] })
  async update(@Param('id', Uuid) id: string, @Body() body: UpdateApprovalRuleDto): Promise<ApprovalRuleView> {
    return toRuleView(await this.rules.update(id, body));
  }

  /** Deletes a rule. From the answer on it decides nothing, in every process; its versions stay. */
  @Delete(':id')
  @Operation({ id: 'deleteApprovalRule', allow: 'approval-rule:write', returns: NO_CONTENT, problems: ['not_found', 'precondition_failed', 'fresh_sign_in_required'] })
  async delete(@Param('id', Uuid) id: string): Promise<void> {
    await this.rules.delete(id);
  }
}
